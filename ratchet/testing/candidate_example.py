"""Example of a trained candidate, for the example of an eval report.

Add a key here when a candidate of the sweep gains one.
"""

from typing import Any

from ratchet.core.digests import digest_json


def make_candidate(index: int, title: str, epochs: int, selected: int) -> dict[str, Any]:
    """Make one candidate of a sweep, with the curves of a training that overfits after the selected epoch."""
    rows = [
        {
            "epoch": e,
            "train_loss": round(1.9 * 0.52**e + 0.04, 4),
            "macro_f1": round(0.93 - 0.5 * 0.4**e, 4),
            "nll": round(0.24 + 0.9 * 0.4**e + 0.03 * max(e - selected, 0), 4),
            "macro_nll": round(0.27 + 0.9 * 0.4**e + 0.03 * max(e - selected, 0), 4),
            "ece": round(0.03 + 0.008 * e, 4),
            "brier": round(0.11 + 0.2 * 0.4**e, 4),
            "seconds": 31.2,
        }
        for e in range(1, epochs + 1)
    ]
    final = (
        rows[selected - 1] if rows else {"macro_f1": 0.86, "nll": 0.44, "macro_nll": 0.47, "ece": 0.05, "brier": 0.2}
    )
    return {
        "index": index,
        "title": title,
        "family": "encoder",
        "method": "lora",
        "status": "trained",
        "reason": "",
        "weights_digest": digest_json(title),
        "calibration": {key: final[key] for key in ("macro_f1", "nll", "macro_nll", "ece", "brier")},
        "served_nll": round(0.97 * final["nll"], 4),
        "served_macro_nll": round(0.97 * final["macro_nll"], 4),
        "epochs": rows,
        "selected_epoch": selected if rows else None,
        "stopped_early": selected < epochs,
        "target_modules": ["query", "value"],
        "matched_layers": 12 if rows else None,
        "trainable_share": 0.0131 if rows else None,
        "seconds": 31.2 * epochs or 4.4,
        "samples_per_second": 70.5,
    }
