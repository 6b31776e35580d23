"""Error budget of a home's classifier: read for the screens, and asked before another rollout enters.

Add here a place that must hold when the year's error is spent; how it is counted is `ratchet/rollout/error_budget.py`.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from ratchet.core.errors import BlockedError
from ratchet.rollout.decision import STAY, Decision
from ratchet.rollout.error_budget import ErrorBudget, read_budget
from ratchet.rollout.ledger_entry import PROMOTE, STEP, Entry
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.sealing import promotion_or_default


def load_budget(
    home: Home, classifier: str, entries: Sequence[Entry] | None = None, now: datetime | None = None
) -> ErrorBudget:
    """Return the error budget of a classifier; raises `RatchetError` for a broken ledger."""
    entries = Ledger(home).entries(classifier) if entries is None else entries
    return read_budget(entries, promotion_or_default(home, classifier, entries)[0], now or datetime.now(UTC))


def need_room(home: Home, classifier: str, now: datetime | None = None) -> None:
    """Raise `BlockedError` where another rollout would take the error of false promotions over that of a year."""
    if held := load_budget(home, classifier, now=now).held:
        raise BlockedError(
            f"Held: {held}.",
            "Wait, or seal another alpha_year or cycles_per_year ('ratchet policy'). A person may still promote:"
            f" ratchet promote {classifier} --skip-shadow --by NAME --why TEXT.",
            code="error_spent",
        )


def apply_budget(decision: Decision, state: RolloutState, budget: ErrorBudget) -> Decision:
    """Return the decision with what the year has spent; the first step is held where that is more than it may."""
    if decision.action not in {STEP, PROMOTE} or state.percent:
        return decision
    if budget.is_exceeded:
        return replace(decision, action=STAY, percent=0, sentence=f"Held: {budget.held}")
    return replace(decision, sentence=f"{decision.sentence}; {budget.sentence}")
