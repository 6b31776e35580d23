"""`ratchet review`: answer the requests that wait for a label; with `--to` in another tool.

Add here another way to answer; the steps are in `ratchet/workflows/review/`.
"""

from typing import Annotated, Any

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError

_TOOLS = ("label-studio",)


def review(
    context: typer.Context,
    name: Name,
    to: Annotated[str, typer.Option("--to", metavar="TOOL", help="Send the next batch to a tool: label-studio.")] = "",
    poll: Annotated[bool, typer.Option("--poll", help="Take the answers that were given in Label Studio.")] = False,
    size: Annotated[int, typer.Option("--size", help="Requests of the batch.", min=1, max=1000)] = 50,
    predictions: Annotated[
        bool, typer.Option("--predictions", help="Show the served label there; such answers never evaluate.")
    ] = False,
    new_project: Annotated[
        bool, typer.Option("--new-project", help="Begin another project there; what was answered is kept.")
    ] = False,
    json: Json = False,
) -> int:
    """Send a batch of the queue to Label Studio, or take what was answered there."""
    home = session_of(context).home
    home.need(name)
    if to and to not in _TOOLS:
        raise UsageError(f"--to {to[:40]!r} is not a tool.", f"Give one of: {', '.join(_TOOLS)}.", code="bad_tool")
    if not to and not poll:
        raise UsageError("nothing to do.", "Give --to label-studio, or --poll.", code="no_action")
    if to:
        from ratchet.workflows.review.label_studio_push import push

        pushed = push(home, name, size=size, predictions=predictions, new_project=new_project)
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
