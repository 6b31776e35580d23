"""`ratchet hold`: hold a rollout at its step, by hand."""

from typing import Annotated

import typer

from orchestration.cli.help import Name, Why, need_reason
from orchestration.cli.output import emit
from orchestration.cli.session import session_of


def hold(
    context: typer.Context,
    name: Name,
    why: Why,
    lift: Annotated[bool, typer.Option("--lift", help="Lift the hold instead.")] = False,
) -> int:
    """Hold the rollout at its step, or lift the hold; answers do not change."""
    home = session_of(context).home
    home.need(name)
    from ratchet.workflows.rollout.advance import stop_or_resume

    entry = stop_or_resume(home, name, need_reason(why), lift=lift)
    undo = f"ratchet hold {name} --why TEXT" + ("" if lift else " --lift")
    emit(f"{'resumed' if lift else 'held'}: entry {entry.sequence} of the ledger; undo with: {undo}")
    return 0
