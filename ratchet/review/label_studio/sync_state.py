"""State of one classifier's Label Studio project, as the events of its log give it.

Add here an event, or a fact that must outlive a poll; the events are written by `ratchet/storage/review/`, and what a
poll concludes from them is in `sync.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Event = Mapping[str, Any]
"""One line of the log: `kind`, and what it says, as JSON types."""


@dataclass(frozen=True)
class KnownAnnotation:
    """An annotation as it was taken last."""

    id: int
    created: str
    task: int
    request_id: str
    annotator: str
    """Person who spoke last."""
    updated: str
    label: str | None
    answer: str | None
    skipped: bool
    saw_prediction: bool
    seconds: float | None
    note: str
    chosen: str
    batch: str
    votes: Mapping[str, str] = field(default_factory=dict)
    """Time of the newest vote that came of it, by person."""
    kept: bool = False
    """True once the server lost it (its task was deleted, or an older backup restored): its votes stay."""

    @property
    def name(self) -> str:
        """Name by which the server's annotation is found again, also where an id was given twice."""
        return f"{self.id}@{self.created}"

    @property
    def is_vote(self) -> bool:
        """True where somebody answered: a label, or an answer in its place."""
        return not self.skipped and (self.label is not None or self.answer is not None)

    def as_json(self) -> dict[str, Any]:
        """Return the annotation as JSON types."""
        return {**vars(self), "votes": dict(self.votes)}


@dataclass(frozen=True)
class SentRequest:
    """A request as it was sent: what its answers must carry, also when the queue has forgotten it."""

    batch: str
    chosen: str
    anchored: bool = False
    """True where its task showed a prediction."""


@dataclass(frozen=True)
class SyncState:
    """State of the project: requests that were sent, and annotations that were taken."""

    project: int | None = None
    token: str = ""
    """Name of the project, which its description repeats: ids are given again after a restore."""
    projects: int = 0
    """Projects that were made for the classifier so far."""
    url: str = ""
    marker: int = 0
    """Number that the description holds at least, unless an older backup was restored."""
    cursor: str = ""
    """Newest change of a task that was read."""
    pushes: Mapping[str, Mapping[str, SentRequest]] = field(default_factory=dict)
    """Requests of each push, by id."""
    open_pushes: frozenset[str] = frozenset()
    """Pushes that are not known to have arrived whole."""
    tasks: Mapping[int, str] = field(default_factory=dict)
    """Request by task that the server has."""
    annotations: Mapping[str, KnownAnnotation] = field(default_factory=dict)
    unlanded: tuple[Event, ...] = ()
    """Polls whose rows may not have landed yet."""
    foreign: tuple[int, int] = (0, 0)
    """Tasks of others in the project, and their annotations, when it was last read whole."""
    restored: str = ""
    """Time at which an older backup was noticed last."""
    lost: int = 0
    """Tasks that the server lost or somebody deleted."""

    @property
    def alive(self) -> list[KnownAnnotation]:
        """Annotations that the server is believed to have."""
        return [each for each in self.annotations.values() if not each.kept]

    @property
    def open_requests(self) -> frozenset[str]:
        """Requests with a task on the server that nobody has answered: who skips it leaves it to others."""
        answered = {each.task for each in self.alive if not each.skipped}
        return frozenset(request for number, request in self.tasks.items() if number not in answered)

    @property
    def skipped_requests(self) -> frozenset[str]:
        """Open requests that somebody skipped there."""
        return self.open_requests & {each.request_id for each in self.alive if each.skipped}


def state_of(events: Iterable[Event]) -> SyncState:
    """Return the state after `events`, oldest first."""
    state = SyncState()
    for event in events:
        state = _APPLY[event["kind"]](state, event)
    return state


def _project(state: SyncState, event: Event) -> SyncState:
    """Begin anew with another project: what was taken stays, and nothing of the former one is expected any more.

    The same project under another address goes on.
    """
    if event["token"] == state.token:
        return replace(state, project=event["project"], url=event["url"])
    kept = {name: replace(each, kept=True) for name, each in state.annotations.items()}
    former = {f"{state.token}:{name}": each for name, each in kept.items()}
    return SyncState(
        event["project"], event["token"], state.projects + 1, event["url"], annotations=former,
        unlanded=state.unlanded, restored=state.restored, lost=state.lost,
    )  # fmt: skip


def _pushing(state: SyncState, event: Event) -> SyncState:
    requests = {request_id: SentRequest(**sent) for request_id, sent in event["requests"].items()}
    return replace(
        state, pushes={**state.pushes, event["push"]: requests},
        open_pushes=state.open_pushes | {event["push"]},
    )  # fmt: skip


def _pushed(state: SyncState, event: Event) -> SyncState:
    return replace(state, open_pushes=state.open_pushes - {event["push"]})


def _seen(state: SyncState, event: Event) -> SyncState:
    gone = set(event["gone"])
    tasks = {number: request for number, request in state.tasks.items() if number not in gone} | _tasks(event)
    known = {name: KnownAnnotation(**each) for name, each in event["annotations"].items()}
    return replace(
        state, marker=event["marker"], cursor=event["cursor"], tasks=tasks,
        annotations={**state.annotations, **known}, unlanded=(*state.unlanded, event),
        foreign=tuple(event["foreign"]) if event["foreign"] else state.foreign,
        restored=event["at"] if event["restored"] else state.restored,
        lost=state.lost + len(gone),
    )  # fmt: skip


def _landed(state: SyncState, event: Event) -> SyncState:
    return replace(state, unlanded=tuple(each for each in state.unlanded if each["poll"] != event["poll"]))


def _tasks(event: Event) -> dict[int, str]:
    return {int(number): request for number, request in event["tasks"].items()}


_APPLY = {"project": _project, "pushing": _pushing, "pushed": _pushed, "seen": _seen, "landed": _landed}
