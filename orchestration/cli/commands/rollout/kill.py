"""`ratchet kill`: turn the kill switch of a rollout on or off, and wait until the running gateways obey.

What is written is decided in `ratchet/workflows/rollout/kill.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Name, Why, need_reason
from orchestration.cli.output import emit, printable
from orchestration.cli.session import session_of


def kill(
    context: typer.Context,
    name: Name,
    why: Why,
    off: Annotated[bool, typer.Option("--off", help="Turn it off; the rollout continues.")] = False,
) -> int:
    """Send all traffic to live and stop shadowing, or undo that. The rollout keeps its step."""
    home = session_of(context).home
    home.need_served(name)
    from ratchet.storage.rollout.ledger import Ledger
    from ratchet.workflows.rollout.followers import wait_for_followers
    from ratchet.workflows.rollout.kill import turn_kill_switch

    entry = turn_kill_switch(home, name, need_reason(why), on=not off)
    found = wait_for_followers(home, name, entry)
    live = entry.adapter[:12]
    runs = Ledger(home).state(name).challenger is not None
    goes_on = f"the rollout beside {live} continues" if runs else f"{live} is live, and nothing is compared with it"
    emit(f"Kill switch off: {goes_on}" if off else f"Kill switch on: all traffic goes to {live}")
    emit(f"entry {entry.sequence} of the ledger; {printable(found.sentence)}")
    emit(f"undo with: ratchet kill {name} --why TEXT" + ("" if off else " --off"))
    return 1 if found.late else 0
