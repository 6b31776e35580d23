"""`ratchet docs`: the pages of the manual, as Markdown on standard output; without a topic the list of them.

Add here how a page is printed; which pages there are is `ratchet/core/manual_pages.py`.
"""

from typing import Annotated

import typer

from orchestration.cli import completion
from orchestration.cli.help import Json
from orchestration.cli.output import emit, emit_json


def docs(
    topic: Annotated[
        str | None,
        typer.Argument(
            help="A page, such as alerts or how-to/alerts; default: the list of all.", autocompletion=completion.topics
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Print one page, or the topics with a sentence each."""
    from ratchet.core.manual_pages import PARTS, find_page, list_pages

    if topic is not None:
        page = find_page(topic)
        if json:
            emit_json({"topic": page.topic, "title": page.title, "markdown": page.read()})
        else:
            emit(page.read().rstrip("\n"))
        return 0
    pages = list_pages()
    if json:
        emit_json({"topics": [{"topic": each.topic, "title": each.title, "summary": each.summary} for each in pages]})
        return 0
    width = max(len(each.name) for each in pages)
    lines = []
    for part, heading in PARTS.items():
        lines += ["", heading, *(f"  {each.name.ljust(width)}  {each.title}" for each in pages if each.part == part)]
    emit("\n".join([*lines[1:], "", "One page: ratchet docs TOPIC"]))
    return 0
