"""State of a rollout: the sum of a ledger's entries in order. The flag is this state, published.

Add the effect of an action here; entries are written by `ratchet/storage/rollout/ledger.py` and decided in
`decision.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.bucketing import BUCKETING, FORMER_BUCKETING
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import Entry, Head

_BACK = {act.REJECT, act.EXPIRE, act.ROLLBACK}


@dataclass(frozen=True)
class RolloutState:
    """Adapters of a rollout. `percent` of users get the candidate (`challenger`); at 0 it only shadows."""

    live: str | None = None
    challenger: str | None = None
    percent: int = 0
    watched_by: str | None = None
    """The previous live adapter, which shadows the new one for a while and can take over again."""
    held: bool = False
    """True while a person has stopped the ladder; traffic stays as it is."""
    killed: bool = False
    """True while the kill switch is on: live answers everyone, and nothing shadows."""
    switched: int = 0
    """Number of the entry that turned the kill switch last, 0 for none."""
    past: tuple[str, ...] = ()
    """The adapters that were live before, oldest first: a rollback may return to them."""
    barred: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Adapters that were rejected or rolled back, with the receipts on which they had entered: they need new ones."""
    entered: Entry | None = None
    """The entry with which the current comparison began."""
    bucketing: str = BUCKETING
    """Hashing of users while a candidate stands, as its entry named it: a rollout keeps it to its end."""
    gate_key: str = ""
    """Public half of the gate key in force, as the newest entry that names one has it; '' before the first."""
    newest: Entry | None = None
    moved: Entry | None = None
    """The newest entry that changed the adapters that answer or shadow."""
    head: Head = field(default_factory=Head)

    @property
    def compared(self) -> tuple[str, str] | None:
        """The two adapters that are compared now: live and the candidate, or the previous adapter and live."""
        if self.live is None:
            return None
        if self.challenger is not None:
            return self.live, self.challenger
        return None if self.watched_by is None else (self.watched_by, self.live)

    @property
    def is_shown(self) -> bool:
        """True once the ladder's first move was decided by evidence: no later step asks for a second proof.

        An adapter that a person promoted comes with receipts and without evidence, and is watched until it is shown.
        """
        return self.percent > 0 or (self.challenger is None and self.moved is not None and not self.moved.receipts)

    @property
    def refuge(self) -> str | None:
        """Adapter that answers after a rollback, unless it is damaged: the first of `refuges`."""
        return next(iter(self.refuges), None)

    @property
    def refuges(self) -> tuple[str, ...]:
        """Adapters that may answer after a rollback, best first: live if there is a candidate, else the previous ones
        not barred, newest first."""
        if self.challenger is not None:
            return () if self.live is None else (self.live,)
        gone = {*self.barred, self.live}
        return tuple(dict.fromkeys(adapter for adapter in reversed(self.past) if adapter not in gone))

    def is_barred(self, adapter: str, receipts: Mapping[str, str]) -> bool:
        """Return True where `adapter` was rejected or rolled back and comes with the same receipts as before."""
        return adapter in self.barred and self.barred[adapter] == frozenset(receipts.values())

    def as_rollout(self, share: float = 1.0, *, killed: bool = False) -> Rollout:
        """Return the rollout of this state; `share` of requests are shadowed. Raises ValueError before the first
        entry."""
        if self.live is None:
            raise ValueError("nothing is live")
        candidate = self.challenger if self.percent else None
        shadow, bucketing = self.challenger or self.watched_by, self.bucketing if self.percent else BUCKETING
        return Rollout(
            self.live, candidate, self.percent, shadow, share, killed=killed, head=self.head, bucketing=bucketing
        )


def state_after(entries: Sequence[Entry]) -> RolloutState:
    """Return the state after `entries`; raises `RatchetError` for an entry that cannot follow those before it."""
    state = RolloutState()
    for entry in entries:
        state = apply_entry(state, entry)
    return state


def apply_entry(before: RolloutState, entry: Entry) -> RolloutState:
    """Return the state after one more entry; raises `RatchetError` when the action is not possible then."""
    now = replace(before, newest=entry, head=Head(entry.sequence, entry.digest))
    if entry.action in {act.HOLD, act.RESUME}:  # traffic stays as it is, so `moved` does too
        _need(entry, before.live is not None and before.held is (entry.action == act.RESUME))
        return replace(now, held=entry.action == act.HOLD)
    if entry.action in {act.KILL, act.UNKILL}:
        _need(entry, before.live is not None)
        return replace(now, killed=entry.action == act.KILL, switched=entry.sequence)
    if entry.gate_key:
        now = replace(now, gate_key=entry.gate_key)
    if entry.action in {act.POLICY, act.GATE_KEY}:
        _need(entry, before.live is not None and bool(entry.policy or entry.gate_key))
        return now
    now = replace(now, moved=entry)
    if entry.action == act.PROMOTE:
        _need(entry, entry.adapter != before.live and not before.is_barred(entry.adapter, entry.receipts))
        past = (*before.past, before.live) if before.live else ()
        # the last step of a ladder has no receipts of its own: the comparison goes on from where its candidate entered
        entered = before.entered if before.challenger == entry.adapter and not entry.receipts else entry
        now = replace(now, live=entry.adapter, challenger=None, percent=0, watched_by=before.live, held=False)
        return replace(now, past=past, entered=entered)
    if entry.action == act.SHADOW:
        fresh = entry.adapter != before.live and not before.is_barred(entry.adapter, entry.receipts)
        _need(entry, before.live is not None and entry.adapter != before.challenger and fresh)
        bucketing = entry.bucketing or FORMER_BUCKETING
        return replace(now, challenger=entry.adapter, percent=0, watched_by=None, entered=entry, bucketing=bucketing)
    if entry.action == act.STEP:
        _need(entry, entry.adapter == before.challenger and before.percent < entry.percent < 100)
        return replace(now, percent=entry.percent)
    if entry.action == act.RELEASE:
        _need(entry, before.watched_by is not None and entry.adapter == before.live)
        return replace(now, watched_by=None)
    return _take_away(before, now, entry)


def _take_away(before: RolloutState, now: RolloutState, entry: Entry) -> RolloutState:
    gone = entry.previous_adapter or ""
    came_with = before.entered.receipts.values() if before.entered and before.entered.adapter == gone else ()
    barred = before.barred if entry.action == act.EXPIRE else {**before.barred, gone: frozenset(came_with)}
    now = replace(now, challenger=None, percent=0, held=False, barred=barred)
    if before.challenger is not None:
        _need(entry, gone == before.challenger and entry.adapter == before.live and entry.action in _BACK)
        return now
    former = entry.adapter in before.past and entry.adapter not in barred
    _need(entry, entry.action == act.ROLLBACK and gone == before.live and former)
    return replace(now, live=entry.adapter, watched_by=None, past=before.past[: before.past.index(entry.adapter)])


def _need(entry: Entry, possible: bool) -> None:
    if not possible:
        raise RatchetError(
            f"{entry.action!r} of adapter {entry.adapter[:12]} cannot follow the ledger's entries before it.",
            "Look at 'ratchet status' and decide again.",
            code="bad_move",
        )
