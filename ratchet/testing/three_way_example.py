"""Example of the comparison of base, tuned and frontier model, for the example of an eval report.

Change it when `ratchet/evaluation/comparison_summary.py` or the rows that it reads change.
"""

from typing import Any

from ratchet.evaluation.comparison_summary import write_verdict


def make_three_way(test: dict[str, Any], n: int) -> dict[str, Any]:
    """Compare base, tuned and frontier model on a sample, as in the report of a causal candidate."""
    tuned, (low, high) = test["macro_f1"], test["macro_f1_ci"]
    note = (
        "90 of 90 texts were answered by example-large, 0 of them in an earlier run; 0.0213 of the budget of 1 is"
        " spent."
    )
    places = [
        ("tuned", "causal/lora r16 SmolLM2-135M", 0.0, test["ece"], 0.0021, 74.2, 118.3, ""),
        ("base_zero_shot", "SmolLM2-135M", -0.7, 0.31, 0.0021, 74.0, 117.1, "the prompt that serves"),
        (
            "base_few_shot",
            "SmolLM2-135M",
            -0.55,
            0.22,
            0.0026,
            91.5,
            140.2,
            "the prompt with solved examples before the text",
        ),
        ("frontier", "example-large", -0.02, 0.041, 0.2367, 612.4, 1340.0, note),
    ]
    rows = [
        {
            "name": name, "model": model, "n": 90 if name == "frontier" else 200, "macro_f1": max(0.0, tuned + less),
            "macro_f1_ci": [max(0.0, low + less), max(0.0, high + less)], "ece": ece,
            "unusable": 2 if name == "frontier" else 0,
            "cost_per_1000": cost, "p50_ms": p50, "p95_ms": p95, "calls": 90 if name == "frontier" else 40,
            "difference": None if name == "tuned" else -less,
            "difference_ci": None if name == "tuned" else [-less - 0.04, -less + 0.04], "note": remark,
        }
        for name, model, less, ece, cost, p50, p95, remark in places
    ]  # fmt: skip
    return {
        "n": 200, "of": n, "seed": 0, "machine_hour_price": 0.1, "machine_hour_assumed": True, "rows": rows,
        "frontier": note,
        "verbalised": {
            "n": 50, "question": "Confidence from 0 to 9:", "accuracy": 0.9, "written_mean": 0.71, "written_ece": 0.214,
            "logits_mean": 0.91, "logits_ece": 0.052,
        },
        "verdict": write_verdict(rows, 200, n, note, True),
    }  # fmt: skip
