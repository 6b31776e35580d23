"""Explanation on a terminal: the text with coloured words, and the strongest words with their figures.

Add here how an explanation looks on a terminal; the command is `commands/look/explain.py`.
"""

from typing import Any

from orchestration.cli.output import paint, printable, table
from orchestration.cli.session import Session

_SHOWN = 12
_STRONG, _WEAK = 0.35, 0.1  # of the strongest word


def draw_explanation(session: Session, document: dict[str, Any]) -> list[str]:
    """Return the lines: the answer, the coloured text, the strongest words with figures, and their precision."""
    read = [word for word in document["words"] if word["attribution"] is not None]
    most = max((abs(word["attribution"]) for word in read), default=0.0)
    ranked = sorted(read, key=lambda word: -abs(word["attribution"]))[:_SHOWN]
    answer = (
        "the answer" if document["answer"] == document["label"] else f"the answer is {printable(document['answer'])}"
    )
    return [
        f"{printable(document['label'])} {document['probability']:.3f}, {answer}; adapter {document['adapter'][:12]}",
        "",
        _shade(session, document["text"], document["words"], most),
        "",
        table(
            [
                {"word": word["text"], "adds": word["attribution"], "": _bar(word["attribution"], most)}
                for word in ranked
            ]
        ),
        "",
        document["sentence"],
    ]


def _shade(session: Session, text: str, words: list[dict[str, Any]], most: float) -> str:
    """Return the text with words for the label in green and words against it in red; weak ones stay plain."""
    shown, place = "", 0
    for word in words:
        shown += printable(text[place : word["start"]].replace("\n", " "))
        value, place = word["attribution"], word["end"]
        plain = printable(word["text"])
        strong = value is not None and most > 0 and abs(value) >= _WEAK * most
        colour = "green" if (value or 0.0) > 0 else "red"
        shown += paint(session, plain, colour, bold=abs(value) >= _STRONG * most) if strong else plain
    return shown + printable(text[place:].replace("\n", " "))


def _bar(value: float, most: float) -> str:
    sign = "+" if value > 0 else "-"
    return sign * max(1, round(20 * abs(value) / most)) if most else ""
