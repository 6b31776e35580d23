"""`ratchet shadow`: let a candidate shadow live, as the sensor does by itself.

Which candidate may is decided in `ratchet/workflows/rollout/shadow.py`.
"""

import typer

from orchestration.cli.help import CandidateAdapter, DuringFreeze, Json, Name, Why
from orchestration.cli.output import emit, emit_json, say
from orchestration.cli.session import session_of


def shadow(
    context: typer.Context,
    name: Name,
    adapter: CandidateAdapter = None,
    why: Why = "",
    during_freeze: DuringFreeze = False,
    json: Json = False,
) -> int:
    """Let the newest candidate that passed its cycle answer beside live, unseen; also one whose shadow has expired."""
    session = session_of(context)
    session.home.need(name)
    from ratchet.workflows.rollout.freezing import need_thaw
    from ratchet.workflows.rollout.shadow import shadow_by_hand

    need_thaw(session.home, name, "letting a candidate shadow", override=during_freeze)
    nominee, entry = shadow_by_hand(session.home, name, adapter, why)
    for line in nominee.passed_over:
        say(session, f"passed over {line}")
    if json:
        emit_json({"classifier": name, "adapter": entry.adapter, "week": entry.week, "entry": entry.digest})
        return 0
    emit(f"shadowing: {entry.adapter[:12]} of {entry.week}, beside live {(entry.previous_adapter or '')[:12]}")
    emit(f"entry {entry.sequence} of {session.home.ledger(name)}; users see only live")
    emit(f"next: ratchet advance {name} decides on the evidence, as 'make dev' does once a minute")
    return 0
