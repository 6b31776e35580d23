"""Example of an eval report: simulated answers, real metrics. For previews, docs and tests.

`python -m ratchet.testing.report_example > page.html` renders it. Add a key here when the eval report gains one; the
keys are documented where they are computed.
"""

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ratchet.config.machine import Machine
from ratchet.core.digests import digest_json
from ratchet.evaluation.report.page import render_report
from ratchet.evaluation.sweep import TFIDF, build_sweep
from ratchet.metrics.calibration import fit_calibration, softmax
from ratchet.metrics.classification import describe_split, macro_f1
from ratchet.metrics.intervals import paired_bootstrap
from ratchet.testing.candidate_example import make_candidate
from ratchet.testing.three_way_example import make_three_way

LABELS = ("refund", "billing", "cancel_account", "delivery", "password", "complaint", "other")
TEXTS = (
    "please send my money back",
    "the invoice shows a wrong sum",
    "close my account today",
    "parcel never came",
    "no login",
)
CHECKS = {
    "row_quality": "All 2,511 rows of the week are well formed.",
    "label_agreement": "Krippendorff's alpha 0.871 is above the limit 0.667.",
    "leakage": "Nothing held out occurs in training; 31 near-duplicates were removed.",
    "golden_set_regression": "Passes: of 231 golden items 4 that live gets right are lost and 2 gained.",
}
_MARGIN = 0.02
_TIMINGS = {"curate": 3.41, "train": 201.77, "calibrate": 1.02, "evaluate": 14.93}
_TFIDF = {
    "title": TFIDF, "seconds": 0.62, "samples_per_second": 3512.9,
    "macro_f1": 0.771, "nll": 0.812, "served_nll": 0.774, "served_macro_nll": 0.801, "ece": 0.093,
}  # fmt: skip


def make_example(
    labels: Sequence[str] = LABELS, *, live: bool = True, n: int = 420, texts: Sequence[str] = TEXTS, seed: int = 0
) -> dict[str, Any]:
    """Make a whole `eval_report` document over `labels`; `live=False` is a first cycle. Errors take `texts` in turn."""
    generator = np.random.default_rng(seed)
    names, k = tuple(labels), len(labels)
    weights = 1.0 / np.arange(1, k + 1) ** 0.6

    def answer(size: int, skill: float) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        truth = generator.choice(k, size, p=weights / weights.sum()).astype(np.int64)
        logits = generator.normal(0, 1.0, (size, k))
        logits[np.arange(size), truth] += skill
        logits[np.arange(size), (truth + 1) % k] += 0.9  # so that confusions have a pattern
        return truth, logits * 3.4  # too confident, so that calibration has an effect

    calibration_truth, calibration_logits = answer(n, 2.9)
    calibration = fit_calibration(calibration_logits, calibration_truth)
    metrics: dict[str, Any] = {}
    live_metrics: dict[str, Any] = {}
    comparison: dict[str, dict[str, Any]] = {}
    errors, lost, right = [], [], 0
    for split, size in (("test", n), ("golden", max(2 * k, n // 3))):
        truth, logits = answer(size, 2.9)
        # live answers the same items with more noise, so that the candidate is better
        before = logits + generator.normal(0, 1.6, logits.shape)
        now = softmax(logits, calibration.temperature)
        metrics[split] = describe_split(softmax(logits), now, truth, names, seed=seed)
        # some labels have no threshold by cost, so that the page shows this case, too
        metrics[split]["thresholds"] = {
            name: {"by_f1": 0.4 + 0.01 * (i % 9), "by_cost": None if i % 4 == 3 else 0.7}
            for i, name in enumerate(names)
        }
        live_metrics[split] = describe_split(softmax(before), softmax(before, 1.7), truth, names, seed=seed)
        mine, theirs = logits.argmax(axis=1), before.argmax(axis=1)
        gain, ends = paired_bootstrap(mine, theirs, truth, lambda p, t: macro_f1(p, t, k), resamples=200, seed=seed)
        comparison[split] = {"macro_f1_difference": gain, "ci": ends, "margin": _MARGIN}
        for i in np.flatnonzero(mine != truth):
            row = {
                "item": f"{split}-{i}",
                "text": texts[int(i) % len(texts)],
                "label": names[truth[i]],
                "predicted": names[mine[i]],
            }
            errors.append({"split": split, **row, "confidence": float(now[i].max())})
            if split == "golden" and theirs[i] == truth[i]:
                lost.append(row)
        right = int((theirs == truth).sum())
    errors.sort(key=lambda row: -row["confidence"])

    adapter, other = digest_json(["adapter", seed]), digest_json(["live", seed])
    candidates = [
        make_candidate(0, "all-MiniLM-L6-v2, LoRA r=8", 6, 4),
        make_candidate(1, "all-MiniLM-L6-v2, LoRA r=16", 5, 5),
        {**make_candidate(2, "all-MiniLM-L6-v2, linear probe", 0, 1), "method": "probe"},
    ]
    classes = [int(share) for share in np.maximum(2200 * weights / weights.sum(), 1)]
    spans = (
        ("train", "2025-12-01", "2026-02-15", 1.0),
        ("calibration", "2026-02-16", "2026-02-22", 0.2),
        ("test", "2026-02-23T00:04:11+00:00", "2026-03-01T23:58:02+00:00", 0.19),
    )
    splits: dict[str, Any] = {}
    for split, first, last, share in spans:
        counts = {
            name: int(count * share) + (i % 3) * (split == "test")
            for i, (name, count) in enumerate(zip(names, classes, strict=True))
        }
        splits[split] = {"n": sum(counts.values()), "first": first, "last": last, "classes": counts}
    splits["golden"] = {"n": metrics["golden"]["n"], "classes": dict.fromkeys(names, metrics["golden"]["n"] // k)}
    if live:
        kept = f"{len(lost)} of {right} golden items that live gets right are lost."
        sentence = f"Passed every gate against live {other[:8]}; it may shadow live."
    else:
        kept = "No live adapter yet, so no golden item can be lost."
        sentence = (
            f"The first adapter has macro-F1 {metrics['test']['macro_f1']:.3f}; there is not yet a live adapter to"
            " compare with."
        )
    return {
        "schema": 1,
        "classifier": "support_tickets",
        "week": "2026-02-23",
        "adapter": adapter,
        "live": other if live else None,
        "verdict": {"word": "passed" if live else "first", "sentence": sentence},
        "splits": splits,
        "data": {
            "dropped": {"near-duplicate of a held-out text": 31, "empty after redaction": 4},
            "quarantined": {"2026-02-09": "label_agreement: Fails: annotators agree on 71.0% of 60 requests."},
            "labels_waiting": {"voucher <b>": 3},
            "labels_left_out": {"complaint": 17},
            "alike_other_label": 4,
            "boilerplate": {
                "texts": 812,
                "compared_whole": 3,
                "passages": 2,
                "blocks": [{"texts": 790, "block": "<script>this e-mail and any attachments are confidential and"}],
            },
            "texts": {
                "candidate": "encoder/lora r8",
                "max_tokens": 128,
                "preprocessing": "strip+redact/2+ends/1",
                "n": 800,
                "cut": 61,
                "by_class": {label: {"n": 100 + n, "cut": 20 * n} for n, label in enumerate(names[:3])},
                "known_share": 0.73,
                "sentence": "encoder/lora r8: 61 of 800 texts are longer than max_tokens = 128",
                "language_sentence": "encoder/lora r8: the tokenizer of all-MiniLM-L6-v2 knows only 73% of the words",
            },
            "redactions": {"EMAIL": 212, "PHONE": 58, "IBAN": 9},
            "labels": {
                "requests": 2511,
                "labelled": 2398,
                "corrections": 2804,
                "none": 7,
                "withdrawn": 2,
                "served_unlisted": {"complaint": 41},
                "doubles": 271,
                "agreement": 0.9188,
                "alpha": 0.8712,
                "alpha_ci": [0.8433, 0.8961],
                "confusions": {f"{names[0]} / {names[1]}": 9, f"{names[1]} / {names[-1]}": 4},
            },
        },
        "temperature": calibration.temperature,
        "calibration": calibration.as_json(),
        "candidate": candidates[0],
        "candidates": candidates,
        "sweep": build_sweep({"candidates": candidates, "best": 0}, _TFIDF, Machine(), _TIMINGS),
        "metrics": metrics,
        "live_metrics": live_metrics if live else None,
        "comparison": comparison if live else None,
        "golden": {
            "n": metrics["golden"]["n"],
            "looks": 3,
            "looks_sentence": "This golden set has judged 3 candidates.",
            "live_right": right if live else None,
            "lost": lost if live else [],
            "sentence": kept,
            "gained": 2 if live else None,
            "difference": (2 - len(lost)) / metrics["golden"]["n"] if live else None,
            "interval": [-0.0521, 0.0132] if live else None,
            "anchor": {
                "adapter": "c" * 64,
                "week": "2025-11-24",
                "n": 231,
                "difference": 0.0043,
                "interval": [-0.0212, 0.031],
            }
            if live
            else None,
        },
        "slices": [
            {"slice": f"label {name}", "n": 90 - i, "lost": i, "gained": 1, "power": 0.0131 * i, "is_lost": False}
            for i, name in enumerate(names)
        ]
        if live
        else [],
        "baselines": {
            "majority": {"macro_f1": 0.0712, "ece": 0.021},
            "tfidf_logreg": {"macro_f1": 0.7412, "ece": 0.0841},
            "linear_probe": {"macro_f1": 0.8233, "ece": 0.0442},
            "base_model": {"macro_f1": 0.1233, "ece": 0.0617},
        },
        "baselines_sentence": "The candidate beats its own frozen encoder with a linear head, the strongest baseline.",
        "three_way": make_three_way(metrics["test"], n),
        "labels": list(names),
        "drift": {"labels": {"distance": 0.0312, "excess": 0.0121, "limit": 0.1}},
        "traffic": {
            "requests": 2511,
            "with_confidence": 2511,
            "mean_confidence": 0.8712,
            "below_threshold": 0.0913,
            "confidence_drift": 0.0217,
            "reviewed": 214,
            "waiting": 31,
            "price_per_hour": 0.1,
        },
        "worst_errors": errors[:20],
        "checks": {gate: {"passed": True, "verdict": "passed", "reason": reason} for gate, reason in CHECKS.items()},
        "timings_s": dict(_TIMINGS),
        "versions": {"ratchet": "0.1.0", "torch": "2.10.0", "transformers": "5.2.0", "peft": "0.19.1"},
        "reproduce": {
            "command": "ratchet cycle support_tickets --week 2026-02-23",
            "digests": {
                "adapter": adapter,
                "data": digest_json(["data", seed]),
                "specification": digest_json(["spec", seed]),
            },
        },
    }


if __name__ == "__main__":
    sys.stdout.write(render_report(make_example()))
