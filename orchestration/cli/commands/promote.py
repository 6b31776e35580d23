"""`ratchet promote`: the explicit ceremony.

Add here how a person is asked. Who may become live is decided in `ratchet/workflows/rollout/nominate.py`.
"""

from typing import Annotated

import typer

from orchestration.cli import completion
from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable, say
from orchestration.cli.session import Session, session_of
from ratchet.core.errors import RatchetError, UsageError


def promote(
    context: typer.Context,
    name: Name,
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; it is kept in the ledger.")],
    adapter: Annotated[
        str | None,
        typer.Option(
            "--adapter",
            metavar="D",
            help="A digest, or its beginning; else the newest.",
            autocompletion=completion.adapters,
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Make a candidate live."""
    session = session_of(context)
    if not why.strip():
        raise UsageError("--why is empty.", "Say in one sentence why it becomes live.", code="usage")
    from ratchet.workflows.rollout import nominate as ceremony
    from ratchet.workflows.rollout import reconcile as serving

    serving.reconcile(session.home, name)  # a promotion that was killed before its flag is finished first
    nominee = ceremony.nominate(session.home, name, adapter)
    for line in nominee.passed_over:
        say(session, f"passed over {line}")
    say(session, f"candidate {nominee.adapter[:12]} of {nominee.cycle.week}: {nominee.reason}")
    _confirm(session, f"Make {nominee.adapter[:12]} live for {name}?")
    entry = ceremony.promote(session.home, nominee, why)
    if json:
        emit_json(
            {
                "classifier": name,
                "adapter": entry.adapter,
                "week": entry.week,
                "entry": entry.digest,
                "ledger": str(session.home.ledger(name)),
            }
        )
        return 0
    emit(f"live: {entry.adapter[:12]} of {entry.week}, before: {(entry.previous_adapter or 'none')[:12]}")
    emit(f"entry {entry.sequence} of {session.home.ledger(name)}, by {printable(entry.actor)}")
    emit(f"next: ratchet status {name}; the next cycle is compared with it")
    return 0


def _confirm(session: Session, question: str) -> None:
    if session.yes:
        return
    if not session.interactive:
        raise RatchetError(
            "promote asks before it acts, and there is no terminal to ask on; nothing was written.",
            "Give --yes.",
            code="needs_yes",
        )
    typer.confirm(question, abort=True, err=True)
