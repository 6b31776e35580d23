"""Observation of a decision on a rollout, as Dagster's UI shows it on the adapter.

Add here a figure of the decision that its reader needs; the decision is `ratchet/rollout/decision.py`.
"""

import dagster as dg

from assets.metadata import as_table, without_markup
from ratchet.core.cycle import Cycle, parse_week
from ratchet.workflows.rollout.advance import WeighedRollout


def observe_decision(classifier: str, weighed: WeighedRollout) -> dg.AssetObservation:
    """Build the observation on the adapter that shows a decision, with its guardrails as a table."""
    decision, entered = weighed.decision, weighed.state.entered
    shown = ("status", "value", "low", "high", "limit")
    rows = [{"guardrail": each.name, **{key: getattr(each, key) for key in shown}} for each in decision.guardrails]
    counts = [{"what": key, "value": str(value)} for key, value in decision.figures.get("whole", {}).items()]
    return dg.AssetObservation(
        "adapter",
        description=without_markup(decision.sentence),
        partition=Cycle(classifier, parse_week(entered.week)).key if entered and entered.week else None,
        metadata={
            "decision": without_markup(decision.sentence),
            "guardrails": as_table(rows),
            "evidence": as_table(counts),
        },
    )
