"""Rows by label: the distribution of the data over the labels, and the quality of each label's predictions.

Add a column of those tables here; their layout is in the templates.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.evaluation.report.formatting import divide, look_up
from ratchet.evaluation.report.scales import Scale

SPLITS = ("train", "calibration", "test", "golden")


def list_splits(document: Mapping[str, Any]) -> list[str]:
    """List the splits that the document describes, in the order of `SPLITS`."""
    splits = document.get("splits") or {}
    return [name for name in SPLITS if splits.get(name)]


def spread_labels(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each label's shares of train and test, largest in train first, for drawing the shift between them.

    `reach` holds the shares scaled so that the largest of all is 1, and None where a split is missing.
    """
    splits = document.get("splits") or {}
    rows = []
    for label in _all_labels(document):
        shares: dict[str, float | None] = {}
        for split in ("train", "test"):
            classes = (splits.get(split) or {}).get("classes")
            shares[split] = None if classes is None else divide(classes.get(label, 0), classes)
        rows.append((label, shares))
    reach = max((share or 0 for _, shares in rows for share in shares.values()), default=0) or 1.0
    rows.sort(key=lambda row: (-(row[1]["train"] or 0), row[0]))
    return [
        {
            "label": label,
            "reach": {split: None if share is None else round(share / reach, 4) for split, share in shares.items()},
        }
        for label, shares in rows
    ]


def judge_labels(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return each label's figures on the test split, weakest first: if it occurs, F1 with its interval, live's F1."""
    rows = []
    for label in document.get("labels") or []:
        row = _of_class(document, "metrics", label)
        live = _of_class(document, "live_metrics", label)
        occurs = bool(row.get("support"))
        ends = row.get("f1_ci") or [None, None]
        shown = {"label": label, "occurs": occurs, "f1": row.get("f1"), "low": ends[0], "high": ends[1]}
        rows.append({**shown, "live": live.get("f1") if live.get("support") else None})
    return sorted(rows, key=lambda row: (not row["occurs"], row["f1"] if row["f1"] is not None else 2, row["label"]))


def span_labels(judged: list[dict[str, Any]]) -> Scale:
    """Return the scale of the rows of `judge_labels`, in per cent of the width: from the tenth below all figures to
    1."""
    lowest = min(
        (row[key] for row in judged if row["occurs"] for key in ("f1", "low", "live") if row[key] is not None),
        default=0,
    )
    return Scale(min(int(lowest * 10) / 10, 0.9), 1.0, 0.0, 100.0)


def _of_class(document: Mapping[str, Any], top: str, label: str) -> Mapping[str, Any]:
    classes = look_up(document, f"{top}.test.per_class") or {}
    row: Mapping[str, Any] = classes.get(label) or {}
    return row


def _all_labels(document: Mapping[str, Any]) -> list[str]:
    labels = dict.fromkeys(document.get("labels") or [])
    for split in (document.get("splits") or {}).values():
        labels |= dict.fromkeys((split or {}).get("classes") or {})
    return list(labels)
