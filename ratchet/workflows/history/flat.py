"""A week's row as flat columns: for CSV, data frames, and the table on a terminal.

Add here another flat form of the same numbers; the row itself is made in `history.py`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.workflows.history.week_metrics import FIGURES
from ratchet.workflows.review.dropped import csv_cell

_FIRST = ("week", "verdict", "gate", "reason", "adapter", "fate", "run", "at", "figures_of_earlier_run")


def flatten_weeks(weeks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one flat row for each week, all with the same columns.

    An interval becomes two columns, `_low` and `_high`; the F1 of a label is `f1.LABEL`; marks are joined by a space.
    """
    labels = list(dict.fromkeys(label for row in weeks for label in row["metrics"]["labels"]))
    return [_flatten(row, labels) for row in weeks]


def columns_of(weeks: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns of `flatten_weeks`, also where no week is there."""
    empty = dict.fromkeys(_FIRST) | {"marks": (), "metrics": {**dict.fromkeys(FIGURES), "labels": {}}}
    return list(flatten_weeks(weeks or [empty])[0])


def write_csv(weeks: Sequence[Mapping[str, Any]]) -> str:
    """Return the weeks as CSV with a line of columns; no cell is one that a spreadsheet would run."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([csv_cell(column) for column in columns_of(weeks)])
    writer.writerows([csv_cell(value) for value in row.values()] for row in flatten_weeks(weeks))
    return lines.getvalue()


def _flatten(row: Mapping[str, Any], labels: Sequence[str]) -> dict[str, Any]:
    flat: dict[str, Any] = {key: row[key] for key in _FIRST}
    flat["marks"] = " ".join(row["marks"])
    for name, value in row["metrics"].items():
        if name == "labels":
            continue
        if name.endswith("_ci"):
            low, high = value or (None, None)
            flat |= {f"{name.removesuffix('_ci')}_low": low, f"{name.removesuffix('_ci')}_high": high}
        else:
            flat[name] = value
    for label in labels:
        flat[f"f1.{label}"] = (row["metrics"]["labels"].get(label) or {}).get("f1")
    return flat
