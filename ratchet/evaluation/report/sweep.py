"""The sweep as a drawing: seconds of training against macro-F1, one lettered point for each candidate and for TF-IDF.

Add here what is drawn of the sweep. Its figures are computed by `ratchet/evaluation/sweep.py`.
"""

import math
from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

from ratchet.evaluation.report.formatting import format_figure
from ratchet.evaluation.report.scales import Scale, pick_ticks, write_ticks

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 452.0, 18.0, 232.0
_APART = 15.0
_SHORTEST = 0.01  # seconds: shorter times are drawn there


def letter_of(index: int) -> str:
    """Return the letter of a row; empty after the twenty-sixth."""
    return ascii_uppercase[index] if index < len(ascii_uppercase) else ""


def draw_sweep(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Lay out all rows that have seconds and a macro-F1, seconds on a log scale; None where there is none."""
    rows = (document.get("sweep") or {}).get("rows") or []
    drawn = [
        (index, row) for index, row in enumerate(rows)
        if letter_of(index) and row.get("macro_f1") is not None and row.get("seconds") is not None
    ]  # fmt: skip
    if not drawn:
        return None
    logs = {index: math.log10(max(row["seconds"], _SHORTEST)) for index, row in drawn}
    low, high = math.floor(min(logs.values())), math.ceil(max(logs.values()))
    across = Scale(low, max(high, low + 1), _LEFT, _RIGHT)
    lowest = min(row["macro_f1"] for _, row in drawn)
    up = Scale(max(0.0, math.floor(lowest * 10 - 0.5) / 10), 1.0, _BOTTOM, _TOP)
    ticks = pick_ticks(up.low, 1.0, 5)
    points = [
        {
            "row": index,
            "letter": letter_of(index),
            "kind": "baseline" if row["kind"] == "baseline" else "candidate",
            "kept": row["kept"] is True,
            "x": across.at(logs[index]),
            "y": up.at(row["macro_f1"]),
        }
        for index, row in drawn
    ]
    points_in_words = "; ".join(_say(index, row) for index, row in drawn)
    return {
        "across": across,
        "up": up,
        "points": _part(points),
        "ticks": list(zip((up.at(tick) for tick in ticks), write_ticks(ticks), strict=True)),
        "seconds": [(across.at(power), f"{10.0**power:g}") for power in range(low, int(across.high) + 1)],
        "sentence": f"Seconds of training and macro-F1 on the calibration split: {points_in_words}.",
    }


def _say(index: int, row: Mapping[str, Any]) -> str:
    kept = " (kept)" if row["kept"] is True else ""
    return f"{letter_of(index)}{kept} {format_figure(row['seconds'], 's1')}, {format_figure(row['macro_f1'], '3')}"


def _part(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each point a place for its letter, above it and apart from other letters."""
    placed: list[dict[str, Any]] = []
    for point in sorted(points, key=lambda found: -found["y"]):
        height = point["y"] - (15 if point["kept"] else 11)
        while any(
            abs(other["x"] - point["x"]) < _APART and abs(other["letter_y"] - height) < _APART for other in placed
        ):
            height -= _APART
        placed.append({**point, "letter_y": round(height, 2)})
    return sorted(placed, key=lambda found: found["row"])
