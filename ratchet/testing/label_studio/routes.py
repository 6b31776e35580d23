"""Routes of the local Label Studio: answers in the real server's shape, from its contents.

Add a route to `answer_route`; requests are received, and faults occur, in `server.py`.
"""

import json
import re
from typing import Any

from ratchet.testing.label_studio.contents import LocalContents


def answer_route(people: LocalContents, route: str, query: dict[str, str], content: Any) -> tuple[int, Any]:
    """Answer a request as the real server does; 404 for what is not there."""
    held = people.contents
    if route == "GET /api/users/":
        return 200, [{"id": number, "email": mail} for number, mail in held.users.items()]
    if route == "POST /api/projects":
        number = people.next_id("project")
        held.projects[number] = {"id": number, **content}
        return 201, held.projects[number]
    if route == "GET /api/projects":
        found = [_counted(people, number) for number, each in held.projects.items() if query["title"] in each["title"]]
        return 200, {"count": len(found), "results": found}
    if route == "GET /api/tasks":
        return _list_tasks(people, query)
    named = re.fullmatch(r"(\w+) /api/projects/(\d+)(/import)?", route)
    project = int(named[2]) if named else 0
    if named is None or project not in held.projects:
        return 404, {"detail": "No Project matches the given query."}
    if named[3]:
        return 201, {"task_ids": [_add_task(people, project, each) for each in content]}
    if named[1] == "PATCH":
        held.projects[project] |= content
    return 200, _counted(people, project)


def _list_tasks(people: LocalContents, query: dict[str, str]) -> tuple[int, Any]:
    project, page, size = int(query["project"]), int(query["page"]), int(query["page_size"])
    if project not in people.contents.projects:
        return 404, {"detail": "No Project matches the given query."}
    [wanted] = json.loads(query["query"])["filters"]["items"]
    if not re.fullmatch(r".*\.\d{6}Z", wanted["value"]):
        return 500, {"detail": "does not match format '%Y-%m-%dT%H:%M:%S.%fZ'"}
    found = [
        task for task in people.contents.tasks.values()
        if task["project"] == project and task["updated_at"] > wanted["value"]
    ]  # fmt: skip
    if page > 1 and (page - 1) * size >= len(found):
        return 404, {"detail": "Invalid page."}
    return 200, {"total": len(found), "tasks": found[(page - 1) * size : page * size]}


def _add_task(people: LocalContents, project: int, content: dict[str, Any]) -> int:
    number, now = people.next_id("task"), people.tick()
    people.contents.tasks[number] = {
        "id": number, "project": project, "data": content["data"], "meta": content.get("meta", {}),
        "created_at": now, "updated_at": now, "total_predictions": len(content.get("predictions", [])),
        "annotations": [],
    }  # fmt: skip
    return number


def _counted(people: LocalContents, project: int) -> dict[str, Any]:
    tasks = [task for task in people.contents.tasks.values() if task["project"] == project]
    skipped = [each["was_cancelled"] for task in tasks for each in task["annotations"]]
    return {
        **people.contents.projects[project], "task_number": len(tasks),
        "total_annotations_number": skipped.count(False), "skipped_annotations_number": skipped.count(True),
    }  # fmt: skip
