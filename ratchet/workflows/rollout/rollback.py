"""Rollback by hand: of the state of the ledger that its user saw, or of whatever is served now.

It needs the ledger and its key, and nothing else that can be broken: no specification, gate, evidence or flag file.
Add here a rule for a rollback that meets another decision. Rollbacks by the promoter are in `advance.py`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.flag_file import Flags
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.followers import find_followers
from ratchet.workflows.rollout.nominate import actor
from ratchet.workflows.rollout.reconcile import reconcile, record

CHANGED = "ledger_changed"


@dataclass(frozen=True)
class Refuge:
    """Adapter that answers after a rollback, and the better ones that were passed over as damaged, with the reason."""

    adapter: str | None
    damaged: tuple[str, ...] = ()

    @property
    def remark(self) -> str:
        """Sentence about what was passed over; empty where nothing was."""
        return f" Passed over as damaged: {'; '.join(self.damaged)}." if self.damaged else ""


def find_refuge(home: Home, classifier: str, state: RolloutState) -> Refuge:
    """Return the newest adapter that may answer after a rollback and whose files are whole.

    With a candidate that is live, whatever its files are: it answers already.
    """
    if state.challenger is not None:
        return Refuge(state.live)
    damaged: list[str] = []
    for adapter in state.refuges:
        try:
            AdapterStore(home).open(classifier, adapter)
        except (RatchetError, OSError) as error:
            reason = error.message.rstrip(".") if isinstance(error, RatchetError) else error.strerror
            damaged.append(f"{adapter[:12]} ({reason})")
        else:
            return Refuge(adapter, tuple(damaged))
    return Refuge(None, tuple(damaged))


def need_refuge(home: Home, classifier: str, state: RolloutState) -> Refuge:
    """Find the adapter that answers after a rollback; raises `RatchetError` where there is none that is whole.

    An entry for a damaged one would leave users with what they have, and the next gateway with nothing.
    """
    refuge = find_refuge(home, classifier, state)
    if refuge.adapter is None:
        raise RatchetError(
            f"{classifier} has no earlier adapter to return to.{refuge.remark}",
            f"Send all traffic to live instead: ratchet kill {classifier} --why TEXT; or promote another adapter.",
            code="no_refuge",
        )
    return refuge


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
    """Drop the candidate, or else return to the newest previous adapter that is whole, at once.

    `who` is the user, if not the one who runs this process. With `after`, raises `RatchetError` when the ledger has
    another head by now; without, it wins over decisions made meanwhile. A rollback that was killed before its flag was
    written is finished, not repeated, as is one that another process was faster with. Raises when there is nothing to
    return to, and when the entry stands but its flag could not be written.
    """
    state = Ledger(home).state(classifier)
    gone = state.challenger or state.live
    if (moved := state.moved) and moved.action == act.ROLLBACK and _is_half_done(home, classifier, moved):
        reconcile(home, classifier)
        return moved
    while True:
        try:
            return _roll_back(
                home, classifier, state, {"why": f"Rolled back: {why}", "actor": who or actor()}, after, now
            )
        except RatchetError as error:
            if error.code != "bad_move" or Ledger(home).head(classifier) == state.head:
                raise
        state = Ledger(home).state(classifier)
        if gone not in {state.challenger, state.live} and state.moved is not None:
            reconcile(home, classifier)  # another process rolled it back
            return state.moved


def _roll_back(
    home: Home, classifier: str, state: RolloutState, fields: dict[str, str], after: Head | None, now: datetime | None
) -> Entry:
    refuge = need_refuge(home, classifier, state)
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    try:
        return record(
            home, classifier, after=after, ts=at, action=act.ROLLBACK, adapter=refuge.adapter,
            previous_adapter=state.challenger or state.live, week=state.entered.week if state.entered else "",
            receipts={}, **{**fields, "why": fields["why"] + refuge.remark},
        )  # fmt: skip
    except (RatchetError, OSError) as error:
        if isinstance(error, RatchetError) and error.code in {"bad_move", CHANGED}:
            raise  # nothing was entered: another process was faster
        moved = Ledger(home).state(classifier).moved
        if moved is None or moved.sequence <= state.head.sequence or moved.action != act.ROLLBACK:
            raise
        message = error.message if isinstance(error, RatchetError) else str(error)
        raise RatchetError(
            f"entry {moved.sequence} stands, but its flag could not be written: {message}",
            f"Running gateways follow the ledger. Fix the cause and run 'ratchet rollback {classifier}' again.",
            code="flag_behind",
        ) from None


def _is_half_done(home: Home, classifier: str, entry: Entry) -> bool:
    """Return True where the flag is behind `entry`; where no flag can be read, gateways that are behind say so."""
    published = Flags(home).read_sound().rollouts.get(classifier)
    if published is not None:
        return published.head.sequence < entry.sequence
    return bool(find_followers(home, classifier, Head(entry.sequence, entry.digest)).late)
