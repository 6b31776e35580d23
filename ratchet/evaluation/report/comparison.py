"""The candidate beside the live adapter and the baselines: places of points, intervals, zero and margin.

Add here what is drawn to compare models. Decisions are made by the gates, never by a drawing.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.evaluation.report.formatting import format_figure, join_key, look_up
from ratchet.evaluation.report.scales import Scale, pick_ticks, write_ticks

_LEFT, _RIGHT, _TOP, _STEP = 136.0, 408.0, 8.0, 32.0
BASELINES = {
    "base_model": "untrained base",
    "linear_probe": "linear probe",
    "tfidf_logreg": "TF-IDF + logreg",
    "majority": "majority class",
}
WAYS = {
    "tuned": "Tuned",
    "base_zero_shot": "Base, zero-shot",
    "base_few_shot": "Base, few-shot",
    "frontier": "Frontier model",
}


def draw_scores(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Lay out macro-F1 on the test split of candidate, live and baselines, from 0 to 1; None without a candidate."""
    rows = []
    for name, kind, top in (("candidate", "candidate", "metrics"), ("live adapter", "live", "live_metrics")):
        figures = look_up(document, f"{top}.test") or {}
        if figures.get("macro_f1") is not None:
            rows.append(_row(name, name, kind, f"{top}.test.macro_f1", figures["macro_f1"], figures.get("macro_f1_ci")))
    if not rows or rows[0]["kind"] != "candidate":
        return None
    measured = {
        key: row for key, row in (document.get("baselines") or {}).items() if (row or {}).get("macro_f1") is not None
    }
    for key, figures in sorted(measured.items(), key=lambda item: -item[1]["macro_f1"]):
        place, plain = join_key("baselines", key, "macro_f1"), BASELINES.get(key, "another baseline")
        rows.append(_row(BASELINES.get(key, key), plain, "baseline", place, figures["macro_f1"], None))
    scores = ", ".join(f"{row['plain']} {format_figure(row['value'], '3')}" for row in rows)
    return _lay_out(rows, 0.0, 1.0, f"Macro-F1 on the test split: {scores}.")


def draw_differences(comparison: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Lay out candidate minus live, with interval and margin, one row for each split; None if nothing was compared."""
    rows = []
    for split, name in (("test", "test split"), ("golden", "golden set")):
        figures = (comparison or {}).get(split) or {}
        if (value := figures.get("macro_f1_difference")) is not None:
            row = _row(name, name, "candidate", f"comparison.{split}.macro_f1_difference", value, figures.get("ci"))
            rows.append({**row, "split": split, "margin": figures.get("margin")})
    if not rows:
        return None
    reach = max(abs(v) for row in rows for v in (row["value"], row["margin"] or 0, *(row["interval"] or ())))
    reach = max(reach * 1.15, 0.01)
    differences = "; ".join(f"{row['plain']} {format_figure(row['value'], '+3')}{_within(row)}" for row in rows)
    return _lay_out(rows, -reach, reach, f"Macro-F1, candidate minus live: {differences}.")


def _row(name: str, plain: str, kind: str, key: str, value: float, interval: list[float] | None) -> dict[str, Any]:
    """Return a row; `name` is drawn, `plain` goes into the sentence (an attribute, so never a word from the data)."""
    return {"name": name, "plain": plain, "kind": kind, "key": key, "value": value, "interval": interval}


def _within(row: Mapping[str, Any]) -> str:
    if not row["interval"]:
        return ""
    low, high = (format_figure(end, "+3") for end in row["interval"])
    margin = "" if row["margin"] is None else f", margin {format_figure(-row['margin'], '+3')}"
    return f" (95 % interval {low} to {high}{margin})"


def _lay_out(rows: list[dict[str, Any]], low: float, high: float, sentence: str) -> dict[str, Any]:
    across = Scale(low, high, _LEFT, _RIGHT)
    ticks = pick_ticks(low, high)
    floor = _TOP + _STEP * len(rows)
    placed = []
    for i, row in enumerate(rows):
        ends = [across.at(end) for end in row["interval"]] if row["interval"] else None
        margin = across.at(-row["margin"]) if row.get("margin") is not None else None
        y = _TOP + _STEP * (i + 0.5)
        placed.append({**row, "x": across.at(row["value"]), "y": y, "ends": ends, "margin_x": margin})
    return {
        "across": across,
        "rows": placed,
        "top": _TOP,
        "floor": floor,
        "height": floor + 26,
        "ticks": list(zip((across.at(t) for t in ticks), write_ticks(ticks), strict=True)),
        "zero": across.at(0.0),
        "sentence": sentence,
    }
