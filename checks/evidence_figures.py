"""Figures of each check that Dagster plots, from the evidence of its verdict: one or two numbers.

Add a row for a new check, as a test demands; a list counts by its length. What Dagster shows in words is `gate.py`.
"""

from collections.abc import Mapping
from typing import Any

from assets.metadata import rounded

FIGURES: Mapping[str, tuple[str, ...]] = {
    "row_quality": ("expectations", "broken"),
    "label_agreement": ("agreement", "doubles"),
    "colluding_annotators": ("people", "crossings"),
    "label_distribution": ("distance", "limit"),
    "leakage": ("leaks", "n_held_out"),
    "target_plan": ("candidates", "left_out"),
    "target_fit": ("fits",),
    "beats_baselines": ("candidate", "tfidf_logreg"),
    "golden_agreement": ("confidence",),
    "golden_set_regression": ("lost", "n"),
    "trigger_scan": ("scanned", "left_out"),
    "identity_attacks": ("attacks",),
    "calibration_regression": ("rise", "limit"),
    "slices": ("lost", "too_small"),
}
"""Keys of the evidence, by check. What a week did not measure is absent."""


def figures_of(gate: str, evidence: Mapping[str, Any]) -> dict[str, float | int]:
    """Return the figures of a verdict's evidence as named numbers."""
    found = {}
    for key in FIGURES.get(gate, ()):
        value = evidence.get(key)
        number = rounded(len(value) if isinstance(value, (list, tuple)) else value)
        if number is not None:
            found[key] = number
    return found
