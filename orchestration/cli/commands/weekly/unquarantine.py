"""`ratchet unquarantine`: let a week that a gate of the data blocked be used all the same.

The file is `ratchet/storage/rollout/quarantine.py`; what holds a week is decided in `ratchet/gates/quarantine.py`.
"""

from typing import Annotated

import typer

from orchestration.cli import completion
from orchestration.cli.help import Json, Name, need_reason
from orchestration.cli.output import emit, emit_json
from orchestration.cli.session import session_of
from ratchet.core.cycle import choose_week, parse_week


def unquarantine(
    context: typer.Context,
    name: Name,
    week: Annotated[
        str,
        typer.Option(
            "--week", help="The quarantined week: its Monday or its ISO week.", autocompletion=completion.weeks
        ),
    ],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason, recorded in quarantine.jsonl.")],
    json: Json = False,
) -> int:
    """Let a quarantined week train, calibrate and judge again, as long as its rows stay as they are."""
    home = session_of(context).home
    home.need(name)
    need_reason(why)
    from ratchet.storage.rollout.quarantine import Quarantine
    from ratchet.workflows.rollout.nominate import actor

    quarantine = Quarantine(home)
    cycle = choose_week(name, week, map(parse_week, quarantine.state(name).weeks))
    gates = quarantine.unquarantine(name, str(cycle.week), why, actor())
    if json:
        emit_json({"classifier": name, "week": str(cycle.week), "gates": gates, "file": str(home.quarantine(name))})
        return 0
    emit(f"{cycle.week} is used again, though {', '.join(gates)} blocked it; recorded in {home.quarantine(name)}")
    emit(f"next: ratchet cycle {name} --week latest; a rollout that held for its votes goes on by itself")
    return 0
