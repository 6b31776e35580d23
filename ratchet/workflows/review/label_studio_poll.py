"""Poll of Label Studio: what people answered there becomes corrections, exactly once.

What a poll concludes is durable before it lands, and the rows are then always the same: whatever is repeated after a
kill, a lost answer or a restored backup gives no second vote. Add here a step; what a difference means is in
`ratchet/review/label_studio/sync.py`.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.timeouts import LABEL_STUDIO_POLL_S
from ratchet.review.label_studio.api import LabelStudio, ServerProject
from ratchet.review.label_studio.differences import Differences
from ratchet.review.label_studio.marker import Marker, read_marker, write_marker
from ratchet.review.label_studio.sync import compare, since
from ratchet.review.label_studio.sync_state import SyncState
from ratchet.review.label_studio.transport import LabelStudioError
from ratchet.storage.home import Home
from ratchet.storage.review.label_studio_log import append_event, hold_project, read_status, write_status
from ratchet.storage.specs import Specs
from ratchet.workflows.review.answer import land_corrections
from ratchet.workflows.review.label_studio import annotator_of, find_access, project_title, read_state
from ratchet.workflows.review.queue import ReviewQueue


@dataclass(frozen=True)
class PollResult:
    """Outcome of a poll."""

    votes: int = 0
    withdrawn: int = 0
    skips: int = 0
    restored: bool = False
    gone: int = 0
    """Tasks that the server has no more."""
    unknown: tuple[str, ...] = ()
    """Users whom `[people]` does not list."""


def poll(
    home: Home, name: str, *, environment: Mapping[str, str] = os.environ, longest_s: float = LABEL_STUDIO_POLL_S
) -> PollResult:
    """Take what is new in the classifier's project; an empty result where there is none.

    Raises `RatchetError` where the server gives no answer within `longest_s`; `ratchet status` says so, too.
    """
    spec = Specs(home)[name]
    with hold_project(home, name):
        if read_state(home, name).project is None:
            return PollResult()
        with note_outcome(home, name) as note, find_access(home, spec, environment).connect(longest_s) as transport:
            result = take_answers(home, name, spec, LabelStudio(transport))
            note(result.unknown)
            return result


def take_answers(home: Home, name: str, spec: Spec, studio: LabelStudio) -> PollResult:
    """Take what is new; the caller holds the project. Raises `LabelStudioError`, with status 404 for a lost project."""
    state = land_seen(home, name, spec, read_state(home, name))
    project, marker = find_project(name, state, studio)
    restored = marker is None or marker.number < state.marker
    found = _compare(state, studio, project, spec, restored=restored)
    if found.changed or restored:
        number = max(state.marker, marker.number if marker else 0) + 1
        # Before anything counts as taken: a backup without it holds a smaller number.
        description = write_marker(project.description, Marker(state.token, number))
        studio.change_project(project.id, description=description)
        failpoint("label_studio.after_marker")
        append_event(home, name, _seen(found, number, restored=restored))
        failpoint("label_studio.after_seen")
        land_seen(home, name, spec, read_state(home, name))
    withdrawn = sum(vote.answer == "withdrawn" for vote in found.votes)
    return PollResult(
        len(found.votes) - withdrawn, withdrawn, len(found.skips), restored, len(found.gone), found.unknown
    )


def land_seen(home: Home, name: str, spec: Spec, state: SyncState) -> SyncState:
    """Land what earlier polls concluded, as far as they did not get that far; return the state afterwards."""
    for event in state.unlanded:
        if event["rows"]:
            land_corrections(home, name, event["rows"])
        failpoint("label_studio.after_landing")
        if event["rows"] or event["skips"]:
            queue = ReviewQueue.open(home, name, spec)  # takes in the segment
            try:
                for request_id, annotator in event["skips"]:
                    queue.skip(annotator, request_id)
            finally:
                queue.close()
        append_event(home, name, {"kind": "landed", "poll": event["poll"]})
    return read_state(home, name) if state.unlanded else state


def find_project(name: str, state: SyncState, studio: LabelStudio) -> tuple[ServerProject, Marker | None]:
    """Return the project with its marker, None for one that somebody removed; raises `LabelStudioError` (404)."""
    lost = LabelStudioError(
        f"project {state.project} of {name} is gone from Label Studio at {state.url}; its answers are kept.",
        f"Make another: ratchet review {name} --to label-studio.",
        status=404,
    )
    if state.url != studio.transport.url or state.project is None:
        raise lost
    try:
        project = studio.project(state.project)
    except LabelStudioError as error:
        raise (lost if error.status == 404 else error) from None
    marker = read_marker(project.description)
    if (marker and marker.token != state.token) or (marker is None and project.title != project_title(name)):
        raise lost  # ids are given again: this is a project of others
    return project, marker


class note_outcome:  # noqa: N801 - used as a function
    """Context that writes the outcome of a poll for `ratchet status`: done, or the error that ends it."""

    def __init__(self, home: Home, name: str) -> None:
        self._home, self._name = home, name
        self._unknown: tuple[str, ...] = ()

    def __enter__(self) -> Callable[[tuple[str, ...]], None]:
        return self._note

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        before = read_status(self._home, self._name)
        if error is None:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            write_status(self._home, self._name, {"read": now, "trouble": "", "unknown": list(self._unknown)})
        elif isinstance(error, RatchetError):
            write_status(self._home, self._name, {**before, "trouble": str(error)})

    def _note(self, unknown: tuple[str, ...]) -> None:
        self._unknown = unknown


def _compare(
    state: SyncState, studio: LabelStudio, project: ServerProject, spec: Spec, *, restored: bool
) -> Differences:
    """Compare what changed since the last poll, and everything where the counts then still differ."""
    mails: dict[int, str] = {}

    def person(user: int | None) -> str:
        if user is not None and not mails:
            mails.update(studio.mails())
        mail = mails.get(user, "") if user is not None else ""
        return annotator_of(spec, mail) if mail else ""

    if state.cursor and not restored:
        found = compare(state, studio.tasks(project.id, since(state.cursor)), person, whole=False)
        if not found.unknown and _expected(state, found) == (project.tasks, project.annotations):
            return found
    found = compare(state, studio.tasks(project.id), person, whole=True, restored=restored)
    named = {str(number): mail for number, mail in mails.items()}
    return replace(found, unknown=tuple(sorted(named.get(user) or f"user {user}" for user in found.unknown)))


def _expected(state: SyncState, found: Differences) -> tuple[int, int]:
    """Return how many tasks and annotations the project must have, if nothing else changed."""
    known = {**state.annotations, **found.annotations}
    alive = sum(not each.kept for each in known.values())
    return len({*state.tasks, *found.tasks}) + state.foreign[0], alive + state.foreign[1]


def _seen(found: Differences, marker: int, *, restored: bool) -> dict[str, Any]:
    return {
        "kind": "seen",
        "poll": secrets.token_hex(8),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "marker": marker,
        "cursor": found.cursor,
        "restored": restored,
        "tasks": {str(number): request for number, request in found.tasks.items()},
        "gone": list(found.gone),
        "annotations": {name: each.as_json() for name, each in found.annotations.items()},
        "rows": [vote.as_row() for vote in found.votes],
        "skips": [list(each) for each in found.skips],
        "foreign": list(found.foreign) if found.foreign else None,
    }
