"""`ratchet backtest`: stored cycles and rollouts under another policy.

Add here columns of the list; the decisions are made again by `ratchet/workflows/backtest.py`.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of


def backtest(
    context: typer.Context,
    name: Name,
    policy: Annotated[
        Path,
        typer.Option(
            "--policy", metavar="FILE", help="TOML with [limits] or [promotion]; what it lacks is as in force."
        ),
    ],
    every: Annotated[bool, typer.Option("--all", help="Also list what stays as it was.")] = False,
    json: Json = False,
) -> int:
    """Print which stored verdicts another policy would turn, and what became of each candidate; changes nothing."""
    home = session_of(context).home
    home.need(name)
    from ratchet.storage.policy_file import TriedPolicy, read_policy_file
    from ratchet.storage.rollout.ledger import Ledger
    from ratchet.storage.specs import Specs
    from ratchet.workflows.backtest import backtest as decide_all
    from ratchet.workflows.rollout.sealing import promotion_in_force

    limits = Specs(home)[name].limits
    in_force = TriedPolicy(limits, promotion_in_force(home, name, Ledger(home).entries(name)))
    tried = read_policy_file(policy, in_force)
    found = decide_all(home, name, limits, tried)
    flips, underived = [each for each in found if each.flips], [each for each in found if not each.now]
    if json:
        emit_json(
            {
                "classifier": name,
                "differences": [{"setting": key, "in_force": old, "tried": new} for key, old, new in tried.differences],
                "decisions": [each.as_json() for each in found],
                "flips": len(flips),
                "underivable": len(underived),
            }
        )
        return 0
    for key, old, new in tried.differences:
        emit(printable(f"{key}: {old} -> {new}"))
    if not tried.differences:
        emit(printable(f"{policy} asks for nothing that is not in force"))
    shown = found if every else flips
    rows = [
        {"week": each.week or "-", "what": each.what, "then": each.then, "now": each.now or "unknown",
         "candidate": each.later, "why": each.why[:160]}
        for each in shown
    ]  # fmt: skip
    if rows:
        emit(table(rows))
    emit(f"{len(flips)} of {len(found)} stored decisions would be others; {len(underived)} cannot be derived again")
    for each in underived[:5]:
        emit(printable(f"note: {each.week} {each.what}: {each.why}"))
    return 0
