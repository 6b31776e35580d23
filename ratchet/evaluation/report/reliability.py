"""The reliability diagram, accuracy against confidence: places of bins, whiskers and count bars.

Add here what is drawn in that diagram. The bins themselves are computed in `ratchet/metrics/classification.py`.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.evaluation.report.formatting import format_figure
from ratchet.evaluation.report.scales import Scale, pick_ticks, write_ticks

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 400.0, 14.0, 368.0
_BAR_TOP, _BAR_FLOOR = 412.0, 446.0


def draw_reliability(metrics: Mapping[str, Any] | None, split: str, side: str) -> dict[str, Any] | None:
    """Lay out one panel, `side` before or after calibration, of a split's metrics; None without bins.

    Both panels of a split share their axes, cut at the lowest tick that holds all bins, so that both have the same
    diagonal.
    """
    panels = (metrics or {}).get("reliability") or {}
    bins = panels.get(side) or []
    if not bins or metrics is None:
        return None
    lowest = min(min(b["confidence"], b["low"]) for rows in panels.values() for b in rows or ())
    floor = min(int(lowest * 5) / 5, 0.8)
    across, up = Scale(floor, 1.0, _LEFT, _RIGHT), Scale(floor, 1.0, _BOTTOM, _TOP)
    most = max(b["count"] for b in bins)
    ticks = pick_ticks(floor, 1.0)
    ece = metrics.get("ece_raw" if side == "before" else "ece")
    return {
        "split": split,
        "side": side,
        "across": across,
        "up": up,
        "bar_floor": _BAR_FLOOR,
        "ticks": list(zip((across.at(t) for t in ticks), (up.at(t) for t in ticks), write_ticks(ticks), strict=True)),
        "points": [
            {
                "x": across.at(b["confidence"]),
                "y": up.at(b["accuracy"]),
                "low": up.at(b["low"]),
                "high": up.at(b["high"]),
                "bar": round((_BAR_FLOOR - _BAR_TOP) * b["count"] / most, 2),
                "count": b["count"],
                "tip": f"{b['count']} items: confidence {b['confidence']:.3f}, accuracy {b['accuracy']:.3f}, "
                f"95 % interval {b['low']:.3f} to {b['high']:.3f}",
            }
            for b in bins
        ],
        "sentence": f"Reliability diagram of the {split} split {side} calibration: {len(bins)} bins of equal mass, ECE "
        f"{format_figure(ece, '3')}; {_describe(bins)}.",
    }


def _describe(bins: list[dict[str, float]]) -> str:
    over = sum(b["high"] < b["confidence"] for b in bins)
    under = sum(b["low"] > b["confidence"] for b in bins)
    if not over and not under:
        return "every bin's interval holds the diagonal"
    parts = [f"{over} overconfident"] * bool(over) + [f"{under} underconfident"] * bool(under)
    return " and ".join(parts) + f" of {len(bins)} bins beyond chance"
