"""Loss curves: training and calibration loss by epoch for each candidate, and the epoch that was kept.

Add here what is drawn of a training. Training, and the choice of the epoch, are in `ratchet/training/`.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.evaluation.report.formatting import format_figure
from ratchet.evaluation.report.scales import Scale, pick_ticks, write_ticks

_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 392.0, 26.0, 216.0
MARKS_AT_MOST = 40
"""Most epochs with a mark for each on the line; more marks would overlap."""
_LINES = (("train", "train_loss"), ("calibration", "nll"))


def draw_curves(candidate: Mapping[str, Any]) -> dict[str, Any] | None:
    """Lay out the losses of one candidate of `result.json`; None without epochs (a probe is fitted in one step)."""
    epochs = [e for e in candidate.get("epochs") or [] if any(e.get(key) is not None for _, key in _LINES)]
    if not epochs:
        return None
    numbers = [e["epoch"] for e in epochs]
    across = Scale(min(numbers) - (len(epochs) == 1), max(numbers) + (len(epochs) == 1), _LEFT, _RIGHT)
    highest = max(e[key] for e in epochs for _, key in _LINES if e.get(key) is not None)
    up = Scale(0.0, highest * 1.08 or 1.0, _BOTTOM, _TOP)
    ticks = pick_ticks(0.0, up.high, 4)
    chosen = candidate.get("selected_epoch")
    kept = next((e for e in epochs if e["epoch"] == chosen), None)
    lines = [
        {
            "name": name,
            "key": key,
            "points": [
                {
                    "x": across.at(e["epoch"]),
                    "y": up.at(e[key]),
                    "row": row,
                    "tip": f"epoch {e['epoch']}: {name} {e[key]:.3f}",
                }
                for row, e in enumerate(candidate["epochs"])
                if e in epochs and e.get(key) is not None
            ],
        }
        for name, key in _LINES
    ]
    last = kept is not None and chosen == max(numbers)
    return {
        "across": across,
        "up": up,
        "lines": _part([line for line in lines if line["points"]]),
        "epochs": [(across.at(number), str(number)) for number in _thin(numbers)],
        "ticks": list(zip((up.at(t) for t in ticks), write_ticks(ticks), strict=True)),
        "chosen": None
        if kept is None
        else {"x": across.at(kept["epoch"]), "ring": _ring(up, kept), "late": across.at(kept["epoch"]) > 250},
        "marked": len(epochs) <= MARKS_AT_MOST,
        "sentence": f"Loss by epoch: {_say(epochs)} {_say_kept(chosen, kept, last)}",
    }


def _ring(up: Scale, kept: Mapping[str, Any]) -> float:
    return up.at(kept["nll"] if kept.get("nll") is not None else kept["train_loss"])


def _part(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each line the height of its name, at its end, at least 15 pixels from the other's."""
    heights = [line["points"][-1]["y"] for line in lines]
    if len(heights) == 2 and abs(heights[0] - heights[1]) < 15:
        middle, upper = sum(heights) / 2, heights[0] <= heights[1]
        heights = [middle - 7.5, middle + 7.5] if upper else [middle + 7.5, middle - 7.5]
    return [{**line, "name_y": round(y, 2)} for line, y in zip(lines, heights, strict=True)]


def _thin(numbers: list[int]) -> list[int]:
    step = -(-len(numbers) // 10)
    return [number for number in numbers if (number - numbers[0]) % step == 0]


def _say(epochs: list[dict[str, Any]]) -> str:
    first, last = epochs[0], epochs[-1]
    losses = [
        f"{name} {format_figure(first[key], '3')} to {format_figure(last[key], '3')}"
        for name, key in _LINES
        if first.get(key) is not None and last.get(key) is not None
    ]
    return f"{', '.join(losses)} over {len(epochs)} epochs."


def _say_kept(chosen: Any, kept: Mapping[str, Any] | None, last: bool) -> str:
    if kept is None:
        return "No epoch was kept."
    return f"Epoch {chosen} was kept, the last." if last else f"Epoch {chosen} was kept, not the last."
