"""Rollback by hand: of the state of the ledger that its user saw, or of whatever is served now.

Add here a rule for a rollback that meets another decision. Rollbacks by the promoter are in `advance.py`.
"""

from datetime import UTC, datetime

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.nominate import actor
from ratchet.workflows.rollout.reconcile import reconcile, record

CHANGED = "ledger_changed"


def roll_back_seen(home: Home, classifier: str, why: str, seen: Head, *, who: str = "") -> Entry:
    """Roll back the state whose ledger head is `seen`, and return the entry.

    `who` is the user, if not the one who runs this process. Raises `RatchetError` with code `CHANGED` when the ledger
    has another head, and when there is nothing to return to.
    """
    # checked first, since other errors would puzzle a reader of an old page; `after` decides a race
    if Ledger(home).head(classifier) != seen:
        raise RatchetError("The ledger has changed since your page was loaded; nothing was done.", code=CHANGED)
    return roll_back(home, classifier, why, who=who, after=seen)


def roll_back(
    home: Home, classifier: str, why: str, *, who: str = "", after: Head | None = None, now: datetime | None = None
) -> Entry:
    """Drop the candidate, or else return to the previous adapter, at once. Needs no gate, evidence or warehouse.

    `who` is the user, if not the one who runs this process. With `after`, raises `RatchetError` when the ledger has
    another head by now; without, it wins over decisions made meanwhile. A rollback that was killed before its flag was
    written is finished, not repeated, as is one that another process was faster with. Raises when there is nothing to
    return to.
    """
    state = Ledger(home).state(classifier)
    gone = state.challenger or state.live
    if (newest := state.newest) and newest.action == act.ROLLBACK and not _is_published(home, classifier, newest):
        reconcile(home, classifier)
        return newest
    while True:
        try:
            return _roll_back(
                home, classifier, state, {"why": f"Rolled back: {why}", "actor": who or actor()}, after, now
            )
        except RatchetError as error:
            if error.code != "bad_move" or Ledger(home).head(classifier) == state.head:
                raise
        state = Ledger(home).state(classifier)
        if gone not in {state.challenger, state.live} and state.newest is not None:
            reconcile(home, classifier)  # another process rolled it back
            return state.newest


def _roll_back(
    home: Home, classifier: str, state: RolloutState, fields: dict[str, str], after: Head | None, now: datetime | None
) -> Entry:
    if state.refuge is None:
        raise RatchetError(
            f"{classifier} has no earlier adapter to return to.",
            f"Send all traffic to live instead: ratchet kill {classifier}; or promote another adapter.",
            code="no_refuge",
        )
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    return record(
        home, classifier, after=after, ts=at, action=act.ROLLBACK, adapter=state.refuge,
        previous_adapter=state.challenger or state.live, week=state.entered.week if state.entered else "",
        receipts={}, **fields,
    )  # fmt: skip


def _is_published(home: Home, classifier: str, entry: Entry) -> bool:
    published = Flags(home).read().rollouts.get(classifier)
    return published is not None and published.head.sequence >= entry.sequence
