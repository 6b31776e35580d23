"""The page of one explained answer: the text with each word shaded by its contribution, and the same in figures.

Add here what is shown of an explanation; it is computed in `ratchet/evaluation/explanation/`.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from ratchet.core.pages.visible import make_visible
from ratchet.evaluation.report.formatting import format_figure
from ratchet.evaluation.report.page import POLICY, make_environment


def render_explanation(document: Mapping[str, Any]) -> str:
    """Render the document of `ratchet explain --json` as a page. Raises ValueError for a figure that is not a
    number."""
    words = document["words"]
    most = max((abs(word["attribution"]) for word in words if word["attribution"] is not None), default=0.0)
    return (
        make_environment()
        .get_template("explanation.html.j2")
        .render(
            document=document,
            policy=POLICY,
            visible=make_visible,
            write=lambda rounding, value: format_figure(value, rounding),
            pieces=_piece_together(document["text"], words, most),
            ranked=sorted(
                (word for word in words if word["attribution"] is not None), key=lambda word: -abs(word["attribution"])
            ),
            reach=lambda value: round(100 * abs(value) / most, 1) if most else 0.0,
            answers=sorted(document["probabilities"].items(), key=lambda pair: -pair[1]),
        )
    )


def _piece_together(text: str, words: list[dict[str, Any]], most: float) -> list[dict[str, Any]]:
    """Split the text in order: words with `kind` and `share` (0..1 of the strongest), and the characters between."""
    ends = [0, *(place for word in words for place in (word["start"], word["end"])), len(text)]
    pieces: list[dict[str, Any]] = []
    for number, (start, end) in enumerate(pairwise(ends)):
        if number % 2 == 0:
            pieces.append({"kind": "between", "text": text[start:end]})
            continue
        value = words[number // 2]["attribution"]
        kind = "unread" if value is None else "for" if value >= 0 else "against"
        share = round(abs(value) / most, 3) if value is not None and most else 0.0
        pieces.append({"kind": kind, "text": text[start:end], "share": share, "value": value})
    return [piece for piece in pieces if piece["text"]]
