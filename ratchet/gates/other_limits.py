"""Limits of another policy, put into the evidence of a receipt, so that its verdict can be derived under them.

Add a gate here when its evidence names a limit of `[limits]`; how a verdict is derived is `rederivation.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ratchet.config.policy import Limits

_SINGLE: Mapping[str, Mapping[str, str]] = {
    "label_distribution": {"limit": "max_label_divergence"},
    "golden_set_regression": {
        "limit": "max_golden_loss",
        "margin": "max_golden_loss",
        "floor": "golden_floor",
        "floor_per_class": "golden_floor_per_class",
    },
}
"""Keys of a gate's evidence that hold one limit each, and the setting that each is."""
_UNSTORED: Mapping[str, tuple[str, ...]] = {
    "row_quality": ("max_null_share",),
    "leakage": ("near_duplicate_jaccard", "boilerplate_share"),
    "label_distribution": ("min_examples_per_class",),
}
"""Settings by which a gate's rows are counted: under others the evidence would be another."""


def under_limits(gate: str, evidence: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Return the evidence with each limit that it names set to that of `limits`."""
    values = asdict(limits)
    changed = {key: values[setting] for key, setting in _SINGLE.get(gate, {}).items() if key in evidence}
    if isinstance(named := evidence.get("limits"), Mapping):
        changed["limits"] = {key: values.get(key, value) for key, value in named.items()}
    return {**evidence, **changed}


def unstored_changes(gate: str, before: Limits, after: Limits) -> list[str]:
    """Return the settings that differ and that the gate's evidence was counted by: its week must run again."""
    return [key for key in _UNSTORED.get(gate, ()) if getattr(before, key) != getattr(after, key)]
