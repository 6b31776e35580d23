"""`ratchet promote`: promote a candidate by hand.

Add here options and confirmation. Which adapter may become live is decided in `ratchet/workflows/rollout/nominate.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import CandidateAdapter, DuringFreeze, Json, Name, Why, need_reason
from orchestration.cli.output import emit, emit_json, printable, say
from orchestration.cli.session import confirm, session_of
from ratchet.core.errors import UsageError


def promote(
    context: typer.Context,
    name: Name,
    why: Why,
    adapter: CandidateAdapter = None,
    skip_shadow: Annotated[
        bool, typer.Option("--skip-shadow", help="Put it before all users at once, though another adapter is live.")
    ] = False,
    by: Annotated[
        str, typer.Option("--by", metavar="NAME", help="Who decides, where your account is not your name.")
    ] = "",
    during_freeze: DuringFreeze = False,
    json: Json = False,
) -> int:
    """Make a candidate live; later candidates are compared with it. Over a live adapter it asks for --skip-shadow."""
    session = session_of(context)
    need_reason(why)
    from ratchet.storage.rollout.ledger import Ledger
    from ratchet.workflows.rollout import nominate as promotion
    from ratchet.workflows.rollout.budget import load_budget
    from ratchet.workflows.rollout.freezing import need_thaw
    from ratchet.workflows.rollout.reconcile import reconcile

    need_thaw(session.home, name, "a promotion by hand", override=during_freeze)
    reconcile(session.home, name)  # finish a promotion that was killed before it wrote its flag
    nominee = promotion.nominate(session.home, name, adapter)
    for line in nominee.passed_over:
        say(session, f"passed over {line}")
    say(session, f"candidate {nominee.adapter[:12]} of {nominee.cycle.week}: {nominee.reason}")
    live = Ledger(session.home).live(name)
    if live and not skip_shadow:
        raise UsageError(
            f"{live[:12]} is live: promoted by hand, {nominee.adapter[:12]} would answer every user without a shadow.",
            f"Let it shadow first: ratchet shadow {name}. Or say so: ratchet promote {name} --skip-shadow --why TEXT.",
            code="skip_shadow",
        )
    confirm(session, f"Make {nominee.adapter[:12]} live for {name}?", "promote")
    entry = promotion.promote(session.home, nominee, why, who=by)
    budget = load_budget(session.home, name)
    counted = budget.charges[-1:] and budget.charges[-1].entry == entry
    if json:
        emit_json(
            {
                "classifier": name,
                "adapter": entry.adapter,
                "week": entry.week,
                "entry": entry.digest,
                "ledger": str(session.home.ledger(name)),
                "override": bool(counted),
                "error_budget": budget.as_json(),
            }
        )
        return 0
    emit(f"live: {entry.adapter[:12]} of {entry.week}, before: {(entry.previous_adapter or 'none')[:12]}")
    emit(f"entry {entry.sequence} of {session.home.ledger(name)}, by {printable(entry.actor)}")
    if counted:
        emit(f"counted as an override, since no evidence proves it: {budget.sentence}")
    emit(f"next: ratchet status {name}; later candidates are compared with it")
    return 0
