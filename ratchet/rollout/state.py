"""Where a classifier stands: what a ledger's entries, taken in order, amount to. The flag is this, published.

Add here what an action means; how an entry is written is `ratchet/storage/rollout/ledger.py`, when it is written
`decision.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ratchet.core.errors import RatchetError
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import Entry, Head

_BACK = {act.REJECT, act.EXPIRE, act.ROLLBACK}


@dataclass(frozen=True)
class RolloutState:
    """What is live, who challenges it and how far it got. `percent` of users get the challenger; 0: it shadows only."""

    live: str | None = None
    challenger: str | None = None
    percent: int = 0
    watched_by: str | None = None
    """The adapter that was live before, which shadows the new one for a while and can take over again."""
    held: bool = False
    """A person stopped the ladder; traffic stays as it is."""
    past: tuple[str, ...] = ()
    """The adapters that were live before, oldest first: what a rollback may return to."""
    barred: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Adapters that were rejected or rolled back, with the receipts by which they had come in: they enter only on
    others."""
    entered: Entry | None = None
    """The entry with which the present comparison began."""
    newest: Entry | None = None
    moved: Entry | None = None
    """The newest entry that changed who answers or shadows."""
    head: Head = field(default_factory=Head)

    @property
    def compared(self) -> tuple[str, str] | None:
        """The two adapters whose answers are compared now, incumbent first: live and challenger, or the old live and
        live."""
        if self.live is None:
            return None
        if self.challenger is not None:
            return self.live, self.challenger
        return None if self.watched_by is None else (self.watched_by, self.live)

    @property
    def refuge(self) -> str | None:
        """What answers after a rollback: live when a challenger is taken back, else the newest former one that is not
        barred."""
        if self.challenger is not None:
            return self.live
        return next((adapter for adapter in reversed(self.past) if adapter not in self.barred), None)

    def is_barred(self, adapter: str, receipts: Mapping[str, str]) -> bool:
        """Whether `adapter` was rejected or rolled back, and comes with no new evidence."""
        return adapter in self.barred and self.barred[adapter] == frozenset(receipts.values())

    def as_rollout(self, share: float = 1.0, *, killed: bool = False) -> Rollout:
        """The rollout that this state asks for; `share` of requests are shadowed. Raises ValueError before the first
        entry."""
        if self.live is None:
            raise ValueError("nothing is live")
        candidate = self.challenger if self.percent else None
        return Rollout(
            self.live, candidate, self.percent, self.challenger or self.watched_by, share, killed=killed, head=self.head
        )


def state_after(entries: Sequence[Entry]) -> RolloutState:
    """The state after `entries`; raises `RatchetError` for an entry that cannot follow those before it."""
    state = RolloutState()
    for entry in entries:
        state = apply_entry(state, entry)
    return state


def apply_entry(before: RolloutState, entry: Entry) -> RolloutState:
    """The state after one more entry; raises `RatchetError` when the action is not possible then."""
    now = replace(before, newest=entry, head=Head(entry.sequence, entry.digest))
    if entry.action in {act.HOLD, act.RESUME}:
        _need(entry, before.live is not None and before.held is (entry.action == act.RESUME))
        return replace(now, held=entry.action == act.HOLD)
    now = replace(now, moved=entry)
    if entry.action == act.PROMOTE:
        _need(entry, entry.adapter != before.live and not before.is_barred(entry.adapter, entry.receipts))
        past = (*before.past, before.live) if before.live else ()
        entered = before.entered if before.challenger == entry.adapter and not entry.receipts else entry
        now = replace(now, live=entry.adapter, challenger=None, percent=0, watched_by=before.live, held=False)
        return replace(now, past=past, entered=entered)
    if entry.action == act.SHADOW:
        fresh = entry.adapter != before.live and not before.is_barred(entry.adapter, entry.receipts)
        _need(entry, before.live is not None and entry.adapter != before.challenger and fresh)
        return replace(now, challenger=entry.adapter, percent=0, watched_by=None, entered=entry)
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
