"""`ratchet review`: answer the requests that wait for a label, at this terminal, in a file or in another tool.

Add here another way to answer; each has its file in `orchestration/cli/review/`, the steps are in
`ratchet/workflows/review/`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit_json
from orchestration.cli.review.review_files import export_to_file, import_from_file
from orchestration.cli.review.review_label_studio import exchange_with_label_studio
from orchestration.cli.session import session_of
from ratchet.core.errors import RatchetError, UsageError

if TYPE_CHECKING:
    from ratchet.storage.home import Home

_TOOLS = ("label-studio",)


def review(
    context: typer.Context,
    name: Name,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write a batch into a file: .jsonl, .csv, or .json (tasks)."),
    ] = None,
    take: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take the answers of such a file, each row once.")
    ] = None,
    to: Annotated[str, typer.Option("--to", metavar="TOOL", help="Send the next batch to a tool: label-studio.")] = "",
    poll: Annotated[bool, typer.Option("--poll", help="Take the answers that were given in Label Studio.")] = False,
    size: Annotated[int, typer.Option("--size", help="Requests of the batch.", min=1, max=1000)] = 50,
    predictions: Annotated[
        bool,
        typer.Option(
            "--predictions", "--with-predictions", help="Show the served label there; such answers never evaluate."
        ),
    ] = False,
    new_project: Annotated[
        bool, typer.Option("--new-project", help="Begin another project there; what was answered is kept.")
    ] = False,
    json: Json = False,
) -> int:
    """Ask for one label after the other at this terminal; with --json print what waits."""
    session = session_of(context)
    home = session.home
    home.need(name)
    if to and to not in _TOOLS:
        raise UsageError(f"--to {to[:40]!r} is not a tool.", f"Give one of: {', '.join(_TOOLS)}.", code="bad_tool")
    if sum(map(bool, (export, take, to, poll and not to))) > 1:
        raise UsageError("several ways to answer at once.", "Give one of --export, --import, --to and --poll.")
    if export is not None:
        return export_to_file(home, name, export, size, predictions, json)
    if take is not None:
        return import_from_file(home, name, take, json)
    if to or poll:
        return exchange_with_label_studio(
            home, name, size, json, push=bool(to), predictions=predictions, new_project=new_project
        )
    if json:
        return _show_waiting(home, name)
    if session.no_input:
        raise RatchetError(
            "ratchet review asks for keys, and --no-input says that nobody answers.",
            "Use --export and --import, or leave --no-input out.",
            code="no_input",
        )
    from orchestration.cli.review.review_session import answer_at_terminal

    return answer_at_terminal(session, name)


def _show_waiting(home: "Home", name: str) -> int:
    from ratchet.storage.specs import Specs
    from ratchet.workflows.review.queue import ReviewQueue

    queue = ReviewQueue.open(home, name, Specs(home)[name])
    waiting = [
        {"reason": each.reason, "items": each.items, "oldest": each.oldest.isoformat()} for each in queue.waiting()
    ]
    queue.close()
    emit_json({"classifier": name, "waiting": waiting})
    return 0
