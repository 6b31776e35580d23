"""`ratchet explain`: which words of a text spoke for an answer.

Add here how an explanation is asked for and printed; it is made by `ratchet/explanation/`, its page by
`ratchet/report/explanation.py`.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli import completion
from orchestration.cli.manual import Json, Name
from orchestration.cli.output import emit, emit_json, paint, printable, say, table
from orchestration.cli.session import Session, session_of
from ratchet.errors import RatchetError

_SHOWN = 12
_STRONG, _WEAK = 0.35, 0.1  # of the strongest word


def explain(
    context: typer.Context,
    name: Name,
    text: Annotated[str, typer.Option("--text", help="The text; - reads it from standard input.")],
    adapter: Annotated[
        str, typer.Option("--adapter", help="live, shadow, candidate, or a digest.", autocompletion=completion.adapters)
    ] = "live",
    label: Annotated[str, typer.Option("--label", help="Explain this label instead of the answer.")] = "",
    html: Annotated[str, typer.Option("--html", metavar="FILE", help="Write a page, too.")] = "",
    json: Json = False,
) -> int:
    """Integrate gradients through the adapter as it serves."""
    session = session_of(context)
    session.home.need(name)
    page = _check_page(html)
    from ratchet.stores.adapter_store import AdapterStore
    from ratchet.stores.slot_names import find_adapter
    from ratchet.stores.specs import Specs

    asked = _read_text(text, Specs(session.home)[name].max_text_chars)
    digest = find_adapter(session.home, name, adapter)
    folder = AdapterStore(session.home).open(name, digest)
    from ratchet.explanation.explaining import explain_text
    from ratchet.prediction import load_predictor

    found = explain_text(load_predictor(folder), asked, label or None).as_json()
    document = {"classifier": name, "adapter": digest, **found}
    if page is not None:
        from ratchet.files import write_atomically
        from ratchet.report.explanation import render_explanation

        write_atomically(page, render_explanation(document).encode())
        say(session, f"page: {page}")
    if json:
        emit_json(document)
    else:
        emit("\n".join(_lines(session, document)))
    return 0


def _read_text(text: str, most: int) -> str:
    """The text that is meant; raises `RatchetError` for one that no request may hold."""
    if text == "-":
        try:
            text = sys.stdin.buffer.read().decode("utf-8")
        except UnicodeDecodeError:
            raise RatchetError("standard input is not UTF-8.", "Give the text in UTF-8.", code="bad_text") from None
    if not text.strip():
        raise RatchetError("the text is empty.", "Give it with --text.", code="empty_text")
    if len(text) > most:
        raise RatchetError(
            f"the text has {len(text)} characters, more than max_text_chars = {most}.", "Shorten it.", code="bad_text"
        )
    if "\0" in text or any(0xD800 <= ord(character) <= 0xDFFF for character in text):
        raise RatchetError("the text holds a NUL character or a lone surrogate.", "Remove it.", code="bad_text")
    return text


def _check_page(target: str) -> Path | None:
    """Where the page goes, before anything is computed for it."""
    if not target:
        return None
    path = Path(target)
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "lies in a folder that does not exist"
        raise RatchetError(f"page {target} {what}.", "Give the path of a file in an existing folder.", code="bad_output")
    return path


def _lines(session: Session, document: dict[str, Any]) -> list[str]:
    read = [word for word in document["words"] if word["attribution"] is not None]
    most = max((abs(word["attribution"]) for word in read), default=0.0)
    ranked = sorted(read, key=lambda word: -abs(word["attribution"]))[:_SHOWN]
    answer = "the answer" if document["answer"] == document["label"] else f"the answer is {printable(document['answer'])}"
    return [
        f"{printable(document['label'])} {document['probability']:.3f}, {answer}; adapter {document['adapter'][:12]}",
        "",
        _shade(session, document["text"], document["words"], most),
        "",
        table([{"word": word["text"], "adds": word["attribution"], "": _bar(word["attribution"], most)} for word in ranked]),
        "",
        document["sentence"],
    ]


def _shade(session: Session, text: str, words: list[dict[str, Any]], most: float) -> str:
    """The text, words that spoke for the label green and those against it red, weak ones as they are."""
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
