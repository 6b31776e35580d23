"""`ratchet advance`, `hold`, `rollback` and `kill`: what a person does with a rollout.

Add here how a person moves a rollout. What each does is in `ratchet/workflows/rollout/advance.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError
from ratchet.rollout.ledger_entry import Entry

Why = Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; it is kept in the ledger.")]


def advance(context: typer.Context, name: Name, json: Json = False) -> int:
    """Weigh the evidence and carry out what it asks for; print the decision's sentence."""
    home = session_of(context).home
    home.need(name)
    from datetime import UTC, datetime

    from ratchet.workflows.rollout.advance import apply_decision, describe_decision, weigh

    weighed = weigh(home, name)
    entry = apply_decision(home, name, weighed)
    if json:
        decision = describe_decision(weighed.decision, datetime.now(UTC).isoformat(timespec="seconds"))
        emit_json({"classifier": name, "decision": decision, "entry": entry.sequence if entry else None})
        return 0
    emit(weighed.decision.sentence)
    return 0


def hold(
    context: typer.Context,
    name: Name,
    why: Why,
    lift: Annotated[bool, typer.Option("--lift", help="End the stop instead.")] = False,
) -> int:
    """Stop the ladder where it stands, or lift the stop; nobody's answers change."""
    home = session_of(context).home
    home.need(name)
    from ratchet.workflows.rollout.advance import stop_or_resume

    entry = stop_or_resume(home, name, _need_reason(why), lift=lift)
    undo = f"ratchet hold {name} --why TEXT" + ("" if lift else " --lift")
    emit(f"{'resumed' if lift else 'held'}: entry {entry.sequence} of the ledger; undo with: {undo}")
    return 0


def rollback(context: typer.Context, name: Name, why: Why, json: Json = False) -> int:
    """Take the candidate, or else live itself, back at once. No gate is asked."""
    home = session_of(context).home
    home.need(name)
    from ratchet.workflows.rollout.rollback import roll_back

    entry = roll_back(home, name, _need_reason(why))
    if json:
        emit_json(
            {"classifier": name, "live": entry.adapter, "rolled_back": entry.previous_adapter, "entry": entry.digest}
        )
        return 0
    _told(entry)
    return 0


def kill(
    context: typer.Context,
    name: Name,
    off: Annotated[bool, typer.Option("--off", help="End it: the rollout goes on.")] = False,
) -> int:
    """Send everyone to live and stop shadowing, or end that. The ladder keeps its step."""
    home = session_of(context).home
    home.need(name)
    from ratchet.workflows.rollout.reconcile import kill_switch

    rollout = kill_switch(home, name, on=not off)
    emit(f"{'rolling out again' if off else 'everyone gets live'}: {rollout.live[:12]}")
    emit(f"undo with: ratchet kill {name}" + ("" if off else " --off"))
    return 0


def _told(entry: Entry) -> None:
    emit(f"{entry.why}")
    emit(
        f"live: {entry.adapter[:12]}, taken back: {(entry.previous_adapter or '')[:12]}; entry {entry.sequence} of the"
        " ledger"
    )
    emit("what was taken back enters again only with the receipts of a new cycle")


def _need_reason(why: str) -> str:
    if not why.strip():
        raise UsageError("--why is empty.", "Say the reason in one sentence.", code="usage")
    return why
