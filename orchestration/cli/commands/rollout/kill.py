"""`ratchet kill`: turn the kill switch of a rollout on or off."""

from typing import Annotated

import typer

from orchestration.cli.help import Name
from orchestration.cli.output import emit
from orchestration.cli.session import session_of


def kill(
    context: typer.Context,
    name: Name,
    off: Annotated[bool, typer.Option("--off", help="Turn it off; the rollout continues.")] = False,
) -> int:
    """Send all traffic to live and stop shadowing, or undo that. The rollout keeps its step."""
    home = session_of(context).home
    home.need(name)
    from ratchet.workflows.rollout.reconcile import kill_switch

    live = kill_switch(home, name, on=not off).live[:12]
    emit(
        f"Kill switch off: the rollout beside {live} continues"
        if off
        else f"Kill switch on: all traffic goes to {live}"
    )
    emit(f"undo with: ratchet kill {name}" + ("" if off else " --off"))
    return 0
