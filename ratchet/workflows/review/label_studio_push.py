"""Push to Label Studio: the project is made, and a batch of the queue becomes its tasks, each once.

A push is written down before it is sent; after a kill or a lost answer the next one asks the server which of its tasks
are there, and sends the others. Add here what a task carries.
"""

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.failpoints import failpoint
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.batch import BATCH_SIZE
from ratchet.review.guide import Guide
from ratchet.review.item import BatchItem
from ratchet.review.label_studio.api import LabelStudio
from ratchet.review.label_studio.form import LABEL, make_form, make_instructions
from ratchet.review.label_studio.marker import Marker, read_marker, write_marker
from ratchet.review.label_studio.sync_state import SyncState
from ratchet.review.label_studio.transport import LabelStudioError
from ratchet.storage.home import Home
from ratchet.storage.review.guide_file import read_guide
from ratchet.storage.review.label_studio_log import append_event, hold_project
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.review.label_studio import HOLDER, find_access, project_title, project_token, read_state
from ratchet.workflows.review.label_studio_poll import PollResult, note_outcome, take_answers
from ratchet.workflows.review.queue import ReviewQueue

_ATTEMPTS, _AT_ONCE = 3, 200


@dataclass(frozen=True)
class PushResult:
    """Outcome of a push."""

    url: str
    project: int
    sent: int
    open: int
    """Tasks that nobody has answered, those of this push included."""
    poll: PollResult


def push(
    home: Home, name: str, *, size: int = BATCH_SIZE, predictions: bool = False, new_project: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> PushResult:  # fmt: skip
    """Take what was answered, and send the requests of the open batch that are not there; raises `RatchetError`.

    `predictions` shows the served label, and makes every answer anchored.
    """
    spec = Specs(home)[name]
    with hold_project(home, name):
        access = find_access(home, spec, environment)
        with note_outcome(home, name) as note, access.connect() as transport:
            studio = LabelStudio(transport)
            taken = _prepare(home, name, spec, studio, new_project=new_project)
            note(taken.unknown)
            if _finish_pushes(home, name, spec, studio):
                take_answers(home, name, spec, studio)  # learns the numbers of the tasks
            sent = _send(home, name, spec, studio, size, predictions=predictions)
            if sent:
                take_answers(home, name, spec, studio)
            state = read_state(home, name)
            return PushResult(access.url, state.project or 0, sent, len(state.open_requests), taken)


def _prepare(home: Home, name: str, spec: Spec, studio: LabelStudio, *, new_project: bool) -> PollResult:
    """Take what is new in the project, or make the project where there is none."""
    state = read_state(home, name)
    if state.project is not None and not new_project:
        try:
            taken = take_answers(home, name, spec, studio)
        except LabelStudioError as error:
            if error.status != 404:
                raise
        else:
            _follow_labels(spec, studio, state.project, read_guide(home, spec))
            return taken
    _make_project(home, name, spec, studio, state)
    return PollResult()


def _make_project(home: Home, name: str, spec: Spec, studio: LabelStudio, state: SyncState) -> None:
    """Make the project, or find the one that a killed process made, or that moved to another address."""
    title, token = project_title(name), project_token(home, name, state.projects + 1)
    there = {_token(each.description): each.id for each in studio.find_projects(title)}
    if state.url != studio.transport.url and state.token in there:
        token = state.token
    if (project := there.get(token)) is None:
        description = write_marker(spec.description, Marker(token, 0))
        instructions = make_instructions(spec.label, spec.description, read_guide(home, spec))
        project = studio.create_project(title, description, make_form(spec.label), instructions)
    append_event(home, name, {"kind": "project", "project": project, "token": token, "url": studio.transport.url})


def _follow_labels(spec: Spec, studio: LabelStudio, project: int, guide: Guide) -> None:
    """Let the form have the labels of today; raises `LabelStudioError` where the server keeps one that has answers."""
    instructions = make_instructions(spec.label, spec.description, guide)
    try:
        studio.change_project(project, label_config=make_form(spec.label), expert_instruction=instructions)
    except LabelStudioError as error:
        if error.status == 400:
            error.hint = "It keeps a label that has answers there: give --new-project; what was answered is kept."
        raise


def _finish_pushes(home: Home, name: str, spec: Spec, studio: LabelStudio) -> bool:
    """Send what is missing of pushes that did not end; True where there was one."""
    state = read_state(home, name)
    if not state.open_pushes:
        return False
    queue = ReviewQueue.open(home, name, spec)
    try:
        for identity in sorted(state.open_pushes):
            found = {each: queue.index.read_item(each) for each in state.pushes[identity]}
            texts = {each: str(item["text"]) for each, item in found.items() if item is not None}
            _deliver(home, name, studio, state.project or 0, identity, texts, {})
    finally:
        queue.close()
    return True


def _send(home: Home, name: str, spec: Spec, studio: LabelStudio, size: int, *, predictions: bool) -> int:
    """Send what the open batch of the queue holds and the server lacks; return how many tasks that were."""
    state = read_state(home, name)
    queue, compared = ReviewQueue.open(home, name, spec), Ledger(home).state(name).compared is not None
    try:
        open_items = queue.open_items(queue.batch(HOLDER, size=size, compared=compared, adjudicates=False).batch)
        if skipped := [each for each in open_items if each.request_id in state.skipped_requests]:
            for each in skipped:  # it waits there for another person, maybe for ever: the batch must not
                queue.release(HOLDER, each.request_id)
            open_items = queue.open_items(queue.batch(HOLDER, size=size, compared=compared, adjudicates=False).batch)
    finally:
        queue.close()
    items = [each for each in open_items if each.request_id not in state.open_requests]
    if not items:
        return 0
    served = _served(home, name, spec, items) if predictions else {}
    identity = secrets.token_hex(8)
    requests = {
        each.request_id: {"batch": each.batch, "chosen": each.chosen, "anchored": each.request_id in served}
        for each in items
    }
    append_event(home, name, {"kind": "pushing", "push": identity, "requests": requests})
    failpoint("label_studio.before_import")
    texts = {each.request_id: each.text for each in items}
    _deliver(home, name, studio, state.project or 0, identity, texts, served, first=True)
    return len(items)


def _deliver(
    home: Home, name: str, studio: LabelStudio, project: int, identity: str, texts: Mapping[str, str],
    served: Mapping[str, str], *, first: bool = False,
) -> None:  # fmt: skip
    """Send the tasks of a push that the server lacks, until it has them all."""
    for attempt in range(_ATTEMPTS):
        there = set() if first and not attempt else {
            each.request_id for each in studio.tasks(project) if each.push == identity
        }  # fmt: skip
        missing = [_task(identity, each, text, served.get(each)) for each, text in texts.items() if each not in there]
        try:
            for start in range(0, len(missing), _AT_ONCE):
                studio.send_tasks(project, missing[start : start + _AT_ONCE])
            break
        except LabelStudioError as error:
            if attempt == _ATTEMPTS - 1 or 400 <= error.status < 500:
                raise
    failpoint("label_studio.after_import")
    append_event(home, name, {"kind": "pushed", "push": identity})


def _task(identity: str, request_id: str, text: str, served: str | None) -> dict[str, Any]:
    shown = {"from_name": LABEL, "to_name": "text", "type": "choices", "value": {"choices": [served]}}
    predictions = [{"model_version": "served", "result": [shown]}] if served is not None else []
    return {
        "data": {"text": text, "request_id": request_id},
        "meta": {"push": identity, "request_id": request_id},
        **({"predictions": predictions} if predictions else {}),
    }


def _served(home: Home, name: str, spec: Spec, items: Sequence[BatchItem]) -> dict[str, str]:
    """Return the served label by request, as far as it is one of the labels."""
    ids = [each.request_id for each in items]
    with open_warehouse(home, name).connect() as connection:
        rows = connection.execute(
            "SELECT request_id, label FROM production_logs WHERE list_contains(?, request_id)", [ids]
        ).fetchall()
    return {request_id: label for request_id, label in rows if label in spec.labels}


def _token(description: str) -> str:
    marker = read_marker(description)
    return marker.token if marker else ""
