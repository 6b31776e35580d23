"""Contents of the local Label Studio: users, projects, tasks and annotations, with ids and times as the real one gives.

An id is never given twice, unless a backup is restored: then ids go on from the backup's. Add here what the real server
keeps; it is served over HTTP by `server.py`.
"""

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

_START = datetime(2026, 3, 2, 8, tzinfo=UTC)


@dataclass
class Contents:
    """State that a backup holds."""

    users: dict[int, str] = field(default_factory=lambda: {1: "admin@corp.example"})
    projects: dict[int, dict[str, Any]] = field(default_factory=dict)
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)
    last_id: dict[str, int] = field(default_factory=lambda: {"user": 1, "project": 0, "task": 0, "annotation": 0})


class LocalContents:
    """Contents of a server, and the hands of the people who work there. The clock never goes back."""

    def __init__(self) -> None:
        self.contents = Contents()
        self._now = _START

    def backup(self) -> Contents:
        """Return a copy of everything."""
        return copy.deepcopy(self.contents)

    def restore(self, backup: Contents) -> None:
        """Go back to a backup."""
        self.contents = copy.deepcopy(backup)

    def add_user(self, mail: str) -> int:
        """Add a user; return their id."""
        number = self.next_id("user")
        self.contents.users[number] = mail
        return number

    def task_of(self, request_id: str) -> int:
        """Return the newest task of a request."""
        return max(
            number for number, task in self.contents.tasks.items() if task["meta"].get("request_id") == request_id
        )

    def annotate(self, user: int, task: int, choice: str | None, *, note: str = "", seconds: float = 3.5) -> int:
        """Answer a task, or skip it (None); return the annotation's id."""
        number, now = self.next_id("annotation"), self.tick()
        self.contents.tasks[task]["annotations"].append({
            "id": number, "completed_by": user, "updated_by": user, "was_cancelled": choice is None,
            "created_at": now, "updated_at": now, "lead_time": seconds, "result": _result(choice, note),
            "parent_prediction": None,
        })  # fmt: skip
        self._touch(task)
        return number

    def change(self, number: int, user: int, choice: str | None, *, note: str = "") -> None:
        """Change an annotation, as anybody of the organization can."""
        task, annotation = self._find(number)
        annotation |= {
            "updated_by": user, "updated_at": self.tick(), "was_cancelled": choice is None,
            "result": _result(choice, note),
        }  # fmt: skip
        self._touch(task)

    def delete(self, number: int) -> None:
        """Delete an annotation."""
        task, annotation = self._find(number)
        self.contents.tasks[task]["annotations"].remove(annotation)
        self._touch(task)

    def next_id(self, kind: str) -> int:
        """Return the next id of a kind of thing."""
        self.contents.last_id[kind] += 1
        return self.contents.last_id[kind]

    def tick(self) -> str:
        """Return a new instant, as the server writes it."""
        self._now += timedelta(milliseconds=1500, microseconds=7)
        return self._now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def _touch(self, task: int) -> None:
        self.contents.tasks[task]["updated_at"] = self.tick()

    def _find(self, number: int) -> tuple[int, dict[str, Any]]:
        return next(
            (task, annotation) for task, content in self.contents.tasks.items()
            for annotation in content["annotations"] if annotation["id"] == number
        )  # fmt: skip


def _result(choice: str | None, note: str) -> list[dict[str, Any]]:
    if choice is None:
        return []
    chosen = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [choice]}}
    noted = {"from_name": "note", "to_name": "text", "type": "textarea", "value": {"text": [note]}}
    return [chosen, noted] if note else [chosen]
