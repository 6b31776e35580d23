"""Limits of another policy, put into the evidence of a receipt, so that its verdict can be derived under them.

Add a gate here when its evidence names a limit of `[limits]` by a key of its own; which settings a gate reads at all
stands in `registry.py`, how a verdict is derived in `rederivation.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ratchet.config.policy import Limits
from ratchet.gates.registry import READS

_KEYS: Mapping[str, Mapping[str, str]] = {
    "label_distribution": {"limit": "max_label_divergence"},
    "golden_set_regression": {
        "limit": "max_golden_loss",
        "floor": "golden_floor",
        "floor_per_class": "golden_floor_per_class",
    },
    "calibration_regression": {"limit": "max_nll_rise"},
    "slices": {"margin": "max_golden_loss"},
}
"""Keys of a gate's evidence that hold one limit each, and the setting that each is."""
_TABLE = "limits"


def under_limits(gate: str, evidence: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """Return the evidence with each limit that it names set to that of `limits`."""
    values = asdict(limits)
    changed: dict[str, Any] = {key: values[name] for key, name in _KEYS.get(gate, {}).items() if key in evidence}
    if isinstance(named := evidence.get(_TABLE), Mapping):
        changed[_TABLE] = {key: values.get(key, value) for key, value in named.items()}
    if gate == "beats_baselines" and isinstance(first := evidence.get("first"), Mapping):
        changed["first"] = {**first, "margin": limits.max_golden_loss}
    return {**evidence, **changed}


def uncounted_changes(gate: str, evidence: Mapping[str, Any], before: Limits, after: Limits) -> list[str]:
    """Return the settings that differ, that the gate reads, and that decide on what its evidence counts: only a new run
    could tell what it would have decided.

    A limit that a gate's evidence may name, and does not, decides nothing there, as the loss against live of a first
    model. A gate that reads the whole table is known by the limits that its evidence names.
    """
    named = set(_KEYS.get(gate, {}).values())
    named |= {"max_golden_loss"} if gate == "beats_baselines" else set()  # the margin of `first`, for a first model
    named |= set(evidence[_TABLE]) if isinstance(evidence.get(_TABLE), Mapping) else set()
    read = [path.removeprefix(f"{_TABLE}.") for path in READS.get(gate, ()) if path.startswith(f"{_TABLE}.")]
    return [name for name in read if name not in named and getattr(before, name) != getattr(after, name)]
