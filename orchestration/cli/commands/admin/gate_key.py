"""`ratchet gate-key`: show the key that signs receipts, put it into force in the ledgers, or make another pair.

The entries are written by `ratchet/workflows/rollout/gate_keys.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json, need_reason
from orchestration.cli.output import emit, emit_json
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError


def gate_key(
    context: typer.Context,
    why: Annotated[
        str | None,
        typer.Option("--why", metavar="TEXT", help="Put the home's key into force, with this reason; else only show."),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Make another pair first, as after a loss or a leak; needs --why.")
    ] = False,
    json: Json = False,
) -> int:
    """Show the public half and the ledgers that name it; with `--why`, enter it where another one is in force."""
    home = session_of(context).home
    if new and why is None:
        raise UsageError("--new needs --why.", "Say why another key is needed: --why 'the old one was lost'.")
    from ratchet.workflows.rollout.gate_keys import enter_gate_key, read_gate_keys

    entries = enter_gate_key(home, need_reason(why), make=new) if why is not None else []
    found = read_gate_keys(home)
    if json:
        emit_json({"gate_key": found.home, "in_force": found.in_force, "entered": len(entries)})
        return 0
    emit(f"gate key of this home: {found.home[:12] or 'none yet; the first check of a cycle makes it'}")
    for name, key in found.in_force.items():
        emit(
            f"{name}: {f'{key[:12]} is in force' if key else 'none named yet; the next candidate that enters names it'}"
        )
    if found.behind:
        emit(f"next: ratchet gate-key --why TEXT; until then nothing new of {', '.join(found.behind)} enters a rollout")
    elif entries:
        emit("candidates that have not entered yet need another cycle, whose receipts this key signs")
    return 0
