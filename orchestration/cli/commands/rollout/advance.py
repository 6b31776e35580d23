"""`ratchet advance`: evaluate a rollout and move it as its evidence allows.

The evaluation is `ratchet/workflows/rollout/advance.py`.
"""

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json
from orchestration.cli.session import session_of


def advance(context: typer.Context, name: Name, json: Json = False) -> int:
    """Evaluate the evidence, apply the decision and print it."""
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
