"""Routes of Label Studio that are used, and what they answer, read strictly into values.

Add a route here. Requests are sent by `transport.py`; what an answer means for the queue is decided in `sync.py`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ratchet.review.label_studio.form import LABEL, NOTE
from ratchet.review.label_studio.transport import LabelStudioError, Transport

_PAGE = 100
_BEGINNING = "1970-01-01T00:00:00.000000Z"


@dataclass(frozen=True)
class ServerAnnotation:
    """One annotation as the server has it now."""

    id: int
    created: str
    """Names the annotation together with `id`: a restored server gives ids again, but not at that instant."""
    updated: str
    """Time of the newest change, RFC 3339 in UTC with microseconds, so that texts compare as times do."""
    user: int | None
    """User who spoke last: the server notes it, while `completed_by` is what a client wrote."""
    choice: str | None
    """Label or alias; None where there is not exactly one."""
    note: str
    skipped: bool
    seconds: float | None
    saw_prediction: bool


@dataclass(frozen=True)
class ServerTask:
    """One task with its annotations."""

    id: int
    updated: str
    push: str
    """Push and request that we wrote into its metadata; empty for a task that others made."""
    request_id: str
    predictions: int
    annotations: tuple[ServerAnnotation, ...]


@dataclass(frozen=True)
class ServerProject:
    """Project as the server has it: its description, which holds our line, and its counts."""

    id: int
    title: str
    description: str
    tasks: int
    annotations: int
    """Number of all of them, skipped ones included."""


@dataclass(frozen=True)
class LabelStudio:
    """The routes of one server."""

    transport: Transport

    def create_project(self, title: str, description: str, form: str, instructions: str) -> int:
        """Create a project and return its id."""
        content = {
            "title": title,
            "description": description,
            "label_config": form,
            "expert_instruction": instructions,
            "show_instruction": True,
            "show_skip_button": True,
            "enable_empty_annotation": False,
            "skip_queue": "REQUEUE_FOR_OTHERS",
            "maximum_annotations": 1,
            "show_collab_predictions": False,
            "reveal_preannotations_interactively": False,
        }
        return _whole(_field(self.transport.post("/api/projects", content), "id"))

    def find_projects(self, title: str) -> list[ServerProject]:
        """Return the projects with that title."""
        found = self.transport.get("/api/projects", title=title, page_size=_PAGE)
        return [_project(each) for each in _list(_field(found, "results")) if each.get("title") == title]

    def project(self, number: int) -> ServerProject:
        """Return the project; raises `LabelStudioError` with status 404 where there is none."""
        return _project(self.transport.get(f"/api/projects/{number}"))

    def change_project(self, number: int, **fields: Any) -> None:
        """Change fields of a project."""
        self.transport.patch(f"/api/projects/{number}", fields)

    def send_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> None:
        """Add tasks; after an error nobody knows how many of them are there."""
        self.transport.post(f"/api/projects/{project}/import", list(tasks), return_task_ids="true")

    def tasks(self, project: int, since: str = _BEGINNING) -> Iterator[ServerTask]:
        """Return the tasks that changed after `since`, by id, each with all of its annotations."""
        changed = {"filter": "filter:tasks:updated_at", "operator": "greater", "type": "Datetime", "value": since}
        query = {"filters": {"conjunction": "and", "items": [changed]}, "ordering": ["tasks:id"]}
        number = 1
        while True:
            page = self.transport.get(
                "/api/tasks", project=project, fields="all", page=number, page_size=_PAGE, query=json.dumps(query)
            )
            found = _list(_field(page, "tasks"))
            yield from map(_task, found)
            if len(found) < _PAGE or number * _PAGE >= _whole(_field(page, "total")):
                return
            number += 1

    def mails(self) -> dict[int, str]:
        """Return the mail address of each user by id."""
        return {
            _whole(_field(each, "id")): str(each.get("email") or "")
            for each in _list(self.transport.get("/api/users/"))
        }


def server_time(value: object) -> str:
    """Return a time of the server in UTC with microseconds; raises `LabelStudioError`."""
    try:
        result = datetime.fromisoformat(str(value))
    except ValueError:
        raise _strange() from None
    if result.tzinfo is None:
        raise _strange()
    return result.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _project(content: Any) -> ServerProject:
    counts = [content.get(f"{name}_annotations_number") or 0 for name in ("total", "skipped")]
    return ServerProject(
        _whole(_field(content, "id")), str(content.get("title") or ""), str(content.get("description") or ""),
        _whole(content.get("task_number") or 0), sum(map(_whole, counts)),
    )  # fmt: skip


def _task(content: Any) -> ServerTask:
    meta = content.get("meta") if isinstance(content.get("meta"), dict) else {}
    annotations = tuple(map(_annotation, _list(content.get("annotations"))))
    return ServerTask(
        _whole(_field(content, "id")), server_time(content.get("updated_at")), str(meta.get("push") or ""),
        str(meta.get("request_id") or ""), _whole(content.get("total_predictions") or 0), annotations,
    )  # fmt: skip


def _annotation(content: Any) -> ServerAnnotation:
    results = [each for each in _list(content.get("result")) if isinstance(each, dict)]
    chosen = [name for each in results if each.get("from_name") == LABEL for name in _values(each, "choices") if name]
    notes = [text for each in results if each.get("from_name") == NOTE for text in _values(each, "text")]
    user, seconds = content.get("updated_by") or content.get("completed_by"), content.get("lead_time")
    timed = isinstance(seconds, int | float) and not isinstance(seconds, bool) and seconds >= 0
    return ServerAnnotation(
        _whole(_field(content, "id")), server_time(content.get("created_at")), server_time(content.get("updated_at")),
        _whole(user) if user is not None else None, chosen[0] if len(chosen) == 1 else None, "\n".join(notes),
        content.get("was_cancelled") is True, float(seconds) if timed else None,
        bool(content.get("parent_prediction") or content.get("prediction")),
    )  # fmt: skip


def _values(result: dict[str, Any], name: str) -> list[str]:
    value = result.get("value")
    found = value.get(name) if isinstance(value, dict) else None
    return [str(each) for each in found] if isinstance(found, list) else [found] if isinstance(found, str) else []


def _field(content: Any, name: str) -> Any:
    if not isinstance(content, dict) or name not in content:
        raise _strange()
    return content[name]


def _list(content: Any) -> list[Any]:
    if not isinstance(content, list):
        raise _strange()
    return content


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _strange()
    return value


def _strange() -> LabelStudioError:
    return LabelStudioError(
        "Label Studio answered in a shape that is not that of version 1.23.", "Check its version; nothing was taken.",
        status=502,
    )  # fmt: skip
