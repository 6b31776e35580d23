"""Pause: why nothing was promoted for some weeks, in one sentence, from the ledger and the outcomes of cycles.

Add here another reason that keeps candidates from being promoted; what is read for it is
`ratchet/workflows/rollout/describe_pause.py`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.restart import BEGINS_AGAIN
from ratchet.rollout.state import state_after

LEAST_WEEKS = 2
_SHOWN = 12
_WORDS = {"Expired", "Rejected", "Rolled back"}
_ENDED = {act.EXPIRE: "expired", act.REJECT: "was rejected", act.ROLLBACK: "was rolled back"}


def describe_pause(
    entries: Sequence[Entry], outcomes: Mapping[str, str], waiting: str, decision: str, now: datetime
) -> str:
    """Return the sentence; empty within two weeks of a promotion, and before the first one.

    `outcomes` holds, by week, the gate or stage that stopped each cycle since, empty for one that passed. `waiting` is
    the candidate that waits, and `decision` the newest sentence on the one that is compared.
    """
    promoted = next((entry for entry in reversed(entries) if entry.action == act.PROMOTE), None)
    if promoted is None:
        return ""
    try:
        weeks = int((now - datetime.fromisoformat(promoted.ts)) / timedelta(weeks=1))
    except (ValueError, TypeError):
        return ""
    if weeks < LEAST_WEEKS:
        return ""
    after = [entry for entry in entries if entry.sequence > promoted.sequence]
    reasons = [*_cycles(outcomes), *_ended(after), *_compared(entries, decision), *([waiting] if waiting else [])]
    why = "; ".join(reasons) or "no cycle ran since"
    return f"Nothing was promoted for {weeks} weeks: {why}."


def _cycles(outcomes: Mapping[str, str]) -> list[str]:
    stopped = Counter(gate for gate in outcomes.values() if gate)
    if not stopped:
        return []
    by_gate = ", ".join(f"{n} by {gate}" if n > 1 else gate for gate, n in stopped.most_common())
    n = sum(stopped.values())
    return [f"{n} of {len(outcomes)} cycles {'were' if n > 1 else 'was'} stopped ({by_gate})"]


def _ended(entries: Sequence[Entry]) -> list[str]:
    ended = [entry for entry in entries if entry.action in _ENDED and not entry.evidence.get(BEGINS_AGAIN)]
    if not ended:
        return []
    newest = ended[-1]
    word, _, rest = newest.why.rstrip(".").partition(": ")
    why = rest if word in _WORDS else newest.why.rstrip(".")
    end = f"{str(newest.previous_adapter)[:_SHOWN]} of {newest.week} {_ENDED[newest.action]} ({why})"
    return [end if len(ended) == 1 else f"{len(ended)} rollouts ended without one, the newest: {end}"]


def _compared(entries: Sequence[Entry], decision: str) -> list[str]:
    state = state_after(entries)
    if state.challenger is None or state.entered is None:
        return []
    since = f"{state.challenger[:_SHOWN]} of {state.entered.week} is being compared since {state.entered.ts[:10]}"
    return [f"{since} ({decision.rstrip('.')})" if decision else since]
