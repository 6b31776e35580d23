"""`ratchet rollback`: roll back now, by hand, and wait until the running gateways answer by it.

The rollback itself is `ratchet/workflows/rollout/rollback.py`.
"""

import typer

from orchestration.cli.help import Json, Name, Why, need_reason
from orchestration.cli.output import emit, emit_json, printable
from orchestration.cli.session import session_of


def rollback(context: typer.Context, name: Name, why: Why, json: Json = False) -> int:
    """Drop the candidate, or return to the previous adapter. No gate is checked."""
    home = session_of(context).home
    home.need_served(name)
    from ratchet.workflows.rollout.followers import wait_for_followers
    from ratchet.workflows.rollout.rollback import roll_back

    entry = roll_back(home, name, need_reason(why))
    found = wait_for_followers(home, name, entry)
    gone = entry.previous_adapter or ""
    if json:
        emit_json(
            {
                "classifier": name,
                "live": entry.adapter,
                "rolled_back": gone or None,
                "entry": entry.digest,
                "gateways": found.as_json(),
            }
        )
        return 1 if found.late else 0
    emit(entry.why)
    emit(f"live: {entry.adapter[:12]}, rolled back: {gone[:12]}; entry {entry.sequence} of the ledger")
    emit(printable(found.sentence))
    emit(f"{gone[:12]} can only return through a new cycle")
    return 1 if found.late else 0
