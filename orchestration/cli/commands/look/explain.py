"""`ratchet explain`: which words of a text speak for an answer, and which against it.

Add here options; an explanation is made by `ratchet/evaluation/explanation/`, drawn by
`orchestration/cli/highlighting.py`, and on its page by `ratchet/evaluation/report/explanation.py`.
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli import completion
from orchestration.cli.help import Json, Name
from orchestration.cli.highlighting import draw_explanation
from orchestration.cli.output import emit, emit_json, say
from orchestration.cli.session import session_of
from ratchet.core.errors import RatchetError


def explain(
    context: typer.Context,
    name: Name,
    text: Annotated[str, typer.Option("--text", help="The text; - reads it from standard input.")],
    adapter: Annotated[
        str, typer.Option("--adapter", help="live, shadow, candidate, or a digest.", autocompletion=completion.adapters)
    ] = "live",
    label: Annotated[str, typer.Option("--label", help="Explain this label instead of the answer.")] = "",
    html: Annotated[str, typer.Option("--html", metavar="FILE", help="Also write an HTML page.")] = "",
    json: Json = False,
) -> int:
    """Explain an answer by integrated gradients through the adapter as it serves."""
    session = session_of(context)
    session.home.need(name)
    page = _check_page(html)
    from ratchet.storage.registry.adapters import AdapterStore
    from ratchet.storage.specs import Specs
    from ratchet.workflows.resolve_adapter import find_adapter

    content = _read_text(text, Specs(session.home)[name].max_text_chars)
    digest = find_adapter(session.home, name, adapter)
    folder = AdapterStore(session.home).open(name, digest)
    from ratchet.evaluation.explanation.explain import explain_text
    from ratchet.models.inference.predictor import load_predictor

    result = explain_text(load_predictor(folder), content, label or None).as_json()
    document = {"classifier": name, "adapter": digest, **result}
    if page is not None:
        from ratchet.core.files import write_atomically
        from ratchet.evaluation.report.explanation import render_explanation

        write_atomically(page, render_explanation(document).encode())
        say(session, f"page: {page}")
    if json:
        emit_json(document)
    else:
        emit("\n".join(draw_explanation(session, document)))
    return 0


def _read_text(text: str, most: int) -> str:
    """Return the text of the option or of standard input; raise `RatchetError` where no request may hold it."""
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
    """Return the path of the page, checked before anything is computed for it."""
    if not target:
        return None
    path = Path(target)
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise RatchetError(
            f"page {target} {what}.", "Give the path of a file in an existing folder.", code="bad_output"
        )
    return path
