"""The confusion matrix as rows for a table, the most confused labels first, and the texts behind its cells.

Add here how confusions are ordered and shortened. Counting them belongs to `ratchet/metrics/classification.py`.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.evaluation.report.formatting import make_slug

LABELS_AT_MOST = 32
PAIRS_AT_MOST = 12
TEXTS_AT_MOST = 20


def arrange_confusion(document: Mapping[str, Any], split: str, cells_at_most: int) -> dict[str, Any] | None:
    """Arrange the matrix of `split`, most confused labels first (as truth or as prediction); None if there is none.

    Only the most confused labels are kept where there are more than `LABELS_AT_MOST`, or more than `cells_at_most`
    filled cells (200 bytes each), so that the page stays small; `left_out` counts the others. Each cell has its place
    in the document (`row`, `column`), its shade and the anchor of its texts, if any.
    """
    counts = ((document.get("metrics") or {}).get(split) or {}).get("confusion")
    labels: Sequence[str] = document.get("labels") or []
    if not counts or len(counts) != len(labels):
        return None
    k = len(labels)
    wrong = [sum(counts[i]) + sum(row[i] for row in counts) - 2 * counts[i][i] for i in range(k)]
    order = sorted(range(k), key=lambda i: (-wrong[i], i))[:LABELS_AT_MOST]
    while sum(counts[i][j] > 0 for i in order for j in order) > cells_at_most:
        order.pop()
    texts = collect_texts(document, split)
    totals = [sum(row) for row in counts]

    def cell(i: int, j: int) -> dict[str, Any]:
        anchor = _anchor(split, labels[i], labels[j]) if (labels[i], labels[j]) in texts else ""
        # the square root, so that rare confusions are visible too
        shade = math.sqrt(counts[i][j] / totals[i]) if totals[i] else 0.0
        return {"row": i, "column": j, "count": counts[i][j], "shade": round(shade, 2), "anchor": anchor}

    pairs = sorted((-counts[i][j], i, j) for i in range(k) for j in range(k) if i != j and counts[i][j])
    return {
        "split": split,
        "labels": [labels[j] for j in order],
        "rows": [{"label": labels[i], "index": i, "cells": [cell(i, j) for j in order]} for i in order],
        "left_out": k - len(order),
        "all": k,
        "pairs": [{**cell(i, j), "label": labels[i], "predicted": labels[j]} for _, i, j in pairs[:PAIRS_AT_MOST]],
        "wrong": -sum(count for count, _, _ in pairs),
        "texts": [
            {"anchor": _anchor(split, *pair), "label": pair[0], "predicted": pair[1], "rows": rows}
            for pair, rows in sorted(texts.items(), key=lambda item: (-len(item[1]), item[0]))
        ],
    }


def collect_texts(document: Mapping[str, Any], split: str) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Collect the texts of `split` by (label, predicted): worst errors, and lost golden items."""
    texts: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    seen = set()
    rows = [
        ("worst_errors", i, row)
        for i, row in enumerate((document.get("worst_errors") or [])[:TEXTS_AT_MOST])
        if row.get("split") == split
    ]
    if split == "golden":
        lost = (document.get("golden") or {}).get("lost") or []
        rows += [("golden.lost", i, row) for i, row in enumerate(lost[:TEXTS_AT_MOST])]
    for place, i, row in rows:
        item = row.get("item") or (place, i)
        if item not in seen:
            seen.add(item)
            texts[row["label"], row["predicted"]].append({"place": place, "row": str(i)})
    return dict(texts)


def _anchor(split: str, label: str, predicted: str) -> str:
    return f"pair-{split}-{make_slug(label)}-as-{make_slug(predicted)}"
