"""`ratchet review`: answer the requests that wait for a label, at this terminal, in a file or in another tool.

Add here another way to answer; the steps are in `ratchet/workflows/review/`, the terminal is
`orchestration/cli/review_session.py`.
"""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable
from orchestration.cli.session import session_of
from ratchet.core.errors import RatchetError, UsageError

if TYPE_CHECKING:
    from ratchet.storage.home import Home

_TOOLS = ("label-studio",)
_SHOWN_REFUSED = 50


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
        return _export(home, name, export, size, predictions, json)
    if take is not None:
        return _import(home, name, take, json)
    if to or poll:
        return _label_studio(home, name, size, json, push=bool(to), predictions=predictions, new_project=new_project)
    if json:
        return _show_waiting(home, name)
    if session.no_input:
        raise RatchetError(
            "ratchet review asks for keys, and --no-input says that nobody answers.",
            "Use --export and --import, or leave --no-input out.",
            code="no_input",
        )
    from orchestration.cli.keypress import open_keys
    from orchestration.cli.review_session import ReviewSession
    from ratchet.workflows.review.local_review import LocalReview

    desk = LocalReview.open(home, name)
    try:
        with open_keys() as keys:
            answered = ReviewSession(session, desk, keys).run()
    finally:
        desk.close()
    emit(f"{answered} answered by {printable(desk.person)}; each is stored, and the next cycle reads them")
    return 0


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


def _export(home: "Home", name: str, path: Path, size: int, predictions: bool, json: bool) -> int:
    from ratchet.workflows.review.export_batch import export_batch

    found = export_batch(home, name, path, size=size, predictions=predictions)
    if json:
        emit_json({"classifier": name, **vars(found)})
        return 0
    seen = "; their labels train, and never evaluate, since predictions are shown" if predictions else ""
    emit(f"{found.requests} request(s) written to {printable(found.file)}{seen}")
    if path.suffix.lower() == ".json":
        emit(f"next: import it as tasks into a project of Label Studio, label them there and export them as JSON, then:"
             f" ratchet review {name} --import EXPORT.json")  # fmt: skip
    else:
        emit(f"next: answer in the columns label or answer, then: ratchet review {name} --import"
             f" {printable(found.file)}")  # fmt: skip
    return 0


def _import(home: "Home", name: str, path: Path, json: bool) -> int:
    from ratchet.review.given_answer import OUTCOMES
    from ratchet.workflows.review.import_answers import import_answers

    found = import_answers(home, name, path)
    code = 3 if found.refused else 0
    if json:
        rows = [row.as_json() for row in found.rows]
        emit_json({"classifier": name, "file": found.file, "counts": found.counts, "rows": rows})
        return code
    for outcome, number in found.counts.items():
        emit(f"{number:>6} {outcome}: {OUTCOMES[outcome]}")
    for row in found.refused[:_SHOWN_REFUSED]:
        emit(printable(f"{row.place}: {row.request_id[:60] or '-'}: {row.outcome}: {row.why[:200]}"))
    left = Counter(row.outcome for row in found.refused[_SHOWN_REFUSED:])
    if left:
        listed = ", ".join(f"{number} {outcome}" for outcome, number in left.items())
        emit(f"and {listed}; --json lists every row")
    if not found.rows:
        emit("the file holds no row")
    return code


def _label_studio(
    home: "Home", name: str, size: int, json: bool, *, push: bool, predictions: bool, new_project: bool
) -> int:
    """Send a batch of the queue to Label Studio, or take what was answered there."""
    if push:
        from ratchet.workflows.review.label_studio_push import push as send

        pushed = send(home, name, size=size, predictions=predictions, new_project=new_project)
        result: dict[str, Any] = {"classifier": name, **vars(pushed), "poll": vars(pushed.poll)}
        lines = [f"{pushed.sent} requests sent to {pushed.url}/projects/{pushed.project}; {pushed.open} wait there"]
        taken = vars(pushed.poll)
    else:
        from ratchet.workflows.review.label_studio_poll import poll as take

        taken = vars(take(home, name))
        result, lines = {"classifier": name, **taken}, []
    if json:
        emit_json(result)
        return 0
    emit("\n".join([*_taken(taken), *lines]))
    return 0


def _taken(found: dict[str, Any]) -> list[str]:
    """Return what was taken, in sentences."""
    lines = [f"taken: {found['votes']} answers, {found['skips']} skipped, {found['withdrawn']} withdrawn"]
    if found["restored"]:
        lines.append("Label Studio was restored from an older backup: no answer is withdrawn by that")
    if found["gone"]:
        lines.append(f"{found['gone']} tasks are gone there; their answers are kept")
    if found["unknown"]:
        lines.append(f"left for now, not in [people]: {', '.join(found['unknown'])}")
    return lines
