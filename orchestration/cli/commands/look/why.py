"""`ratchet why`: everything that happened to one request, from its answer to the cycles that used it.

Add here how a history is printed; it is found by `ratchet/workflows/review/why.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json, OptionalName
from orchestration.cli.output import emit, emit_json, printable
from orchestration.cli.session import session_of
from ratchet.core.errors import RatchetError


def why(
    context: typer.Context,
    request_id: Annotated[str, typer.Argument(metavar="REQUEST_ID", help="The id that came with the answer.")],
    name: OptionalName = None,
    text: Annotated[
        bool, typer.Option("--text", help="Show the text, too, as the model sees it: without personal data.")
    ] = False,
    json: Json = False,
) -> int:
    """Print the history of one request; of several where classifiers share the id."""
    home = session_of(context).home
    if name is not None:
        home.need_served(name)
    from ratchet.review.request_facts import describe_history
    from ratchet.workflows.review.why import trace_request

    names = [name] if name else home.served()
    traced = [trace_request(home, each, request_id, text=text) for each in names]
    found = [history for history in traced if not history.is_empty]
    if not found:
        searched = f"of {name}" if name else f"of any classifier in {home.root}"
        raise RatchetError(
            f"no request {printable(request_id)[:80]!r} {searched} is known.",
            "Copy the whole id, as the answer, the log or the correction has it; rows that 'ratchet ingest' has not"
            " taken yet are not known.",
            code="no_request",
        )
    if json:
        emit_json({"request_id": request_id, "classifiers": [history.as_json() for history in found]})
        return 0
    for history in found:
        emit(f"{history.classifier}, request {printable(history.request_id)}")
        for section in describe_history(history):
            emit(f"\n{section.title}")
            for fact in section.facts:
                emit(f"  {printable(fact.name)}: {printable(fact.value)}")
    return 0
