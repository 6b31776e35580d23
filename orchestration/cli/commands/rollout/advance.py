"""`ratchet advance`: evaluate a rollout and move it as its evidence allows.

The evaluation is `ratchet/workflows/rollout/advance.py`.
"""

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable
from orchestration.cli.session import session_of


def advance(context: typer.Context, name: Name, json: Json = False) -> int:
    """Evaluate the evidence, apply the decision and print it."""
    home = session_of(context).home
    home.need_served(name)
    from datetime import UTC, datetime

    from ratchet.workflows.review.queue_evidence import queue_evidence
    from ratchet.workflows.rollout.advance import apply_decision, describe_decision, weigh
    from ratchet.workflows.rollout.followers import WITHDRAWALS, wait_for_followers

    weighed = weigh(home, name)
    queue_evidence(home, name, weighed)
    entry = apply_decision(home, name, weighed)
    found = wait_for_followers(home, name, entry) if entry and entry.action in WITHDRAWALS else None
    code = 1 if found and found.late else 0
    if json:
        decision = describe_decision(weighed.decision, datetime.now(UTC).isoformat(timespec="seconds"))
        result = {"classifier": name, "decision": decision, "entry": entry.sequence if entry else None}
        emit_json({**result, "gateways": found.as_json()} if found else result)
        return code
    emit(weighed.decision.sentence)
    if found:
        emit(printable(found.sentence))
    return code
