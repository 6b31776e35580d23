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
    """Person who spoke last; empty where the server names nobody."""
    updated: str
    label: str | None
    answer: str | None
    skipped: bool
    saw_prediction: bool
    seconds: float | None
    note: str
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
        return not self.skipped and bool(self.annotator) and (self.label is not None or self.answer is not None)

    def as_json(self) -> dict[str, Any]:
        """Return the annotation as JSON types."""
        return {**vars(self), "votes": dict(self.votes)}


@dataclass(frozen=True)
class SyncState:
    """What was sent, and what was taken."""

    project: int | None = None
    token: str = ""
    """Random name of the project, which its description repeats: ids are given again after a restore."""
    url: str = ""
    marker: int = 0
    """Number that the description holds at least, unless an older backup was restored."""
    cursor: str = ""
    """Newest change of a task that was read."""
    pushes: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """Requests of each push, and whether they showed a prediction."""
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
    """When an older backup was noticed last."""
    lost: int = 0
    """Tasks that the server lost or somebody deleted."""
    problems: Mapping[str, int] = field(default_factory=dict)
    """Annotations that are no votes, by reason, in the newest poll that met some."""

    @property
    def alive(self) -> list[KnownAnnotation]:
        """Annotations that the server is believed to have."""
        return [each for each in self.annotations.values() if not each.kept]

    def sent(self, request_id: str) -> bool:
        """True where a task of the request is on the server."""
        return request_id in self._present

    @property
    def _present(self) -> frozenset[str]:
        return frozenset(self.tasks.values())


def state_of(events: Iterable[Event]) -> SyncState:
    """Return the state after `events`, oldest first."""
    state = SyncState()
    for event in events:
        state = _APPLY[event["kind"]](state, event)
    return state


def _project(state: SyncState, event: Event) -> SyncState:
    """Begin anew with another project: what was taken stays, and nothing of the former one is expected any more."""
    kept = {name: replace(each, kept=True) for name, each in state.annotations.items()}
    former = {f"{state.token}:{name}": each for name, each in kept.items()}
    return SyncState(event["project"], event["token"], event["url"], unlanded=state.unlanded, annotations=former)


def _pushing(state: SyncState, event: Event) -> SyncState:
    return replace(
        state, pushes={**state.pushes, event["push"]: dict(event["requests"])},
        open_pushes=state.open_pushes | {event["push"]},
    )  # fmt: skip


def _pushed(state: SyncState, event: Event) -> SyncState:
    return replace(state, open_pushes=state.open_pushes - {event["push"]}, tasks={**state.tasks, **_tasks(event)})


def _seen(state: SyncState, event: Event) -> SyncState:
    gone = set(event["gone"])
    tasks = {number: request for number, request in state.tasks.items() if number not in gone} | _tasks(event)
    known = {each["id_name"]: _known(each) for each in event["annotations"]}
    return replace(
        state, marker=event["marker"], cursor=event["cursor"], tasks=tasks,
        annotations={**state.annotations, **known}, unlanded=(*state.unlanded, event),
        foreign=tuple(event["foreign"]) if event["foreign"] else state.foreign,
        restored=event["at"] if event["restored"] else state.restored,
        lost=state.lost + len(gone), problems=event["problems"] or state.problems,
    )  # fmt: skip


def _landed(state: SyncState, event: Event) -> SyncState:
    return replace(state, unlanded=tuple(each for each in state.unlanded if each["poll"] != event["poll"]))


def _tasks(event: Event) -> dict[int, str]:
    return {int(number): request for number, request in event["tasks"].items()}


def _known(content: Mapping[str, Any]) -> KnownAnnotation:
    return KnownAnnotation(**{key: value for key, value in content.items() if key != "id_name"})


_APPLY = {"project": _project, "pushing": _pushing, "pushed": _pushed, "seen": _seen, "landed": _landed}
