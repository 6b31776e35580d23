"""Visits to the review: who comes, to which queue, as a person with a page or as a program with JSON.

Add here what every route of the review does first and last; routes are `gateway/routes/review_page.py` and
`gateway/routes/review_answers.py`.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from gateway.errors import RequestError, is_json_wanted
from gateway.review.pages import Visit, show_error
from gateway.review.queues import unusable
from gateway.review.steps import Reviewer
from gateway.routes.auth import Access, Caller
from gateway.routes.browser_auth import person_at_page
from gateway.routes.request_body import REFUSED, schema_of
from gateway.routes.speakers import annotator_of
from gateway.state import gateway_of
from ratchet.review.adjudicators import is_named_adjudicator

SCOPE = "review"
_ALSO = {
    409: "The item is not in front of this person any more, or the form was not made for them.",
    422: "The body, or a label of it, is not as described.",
    507: "The disk is full; the page keeps what was typed.",
}


def answers_of(model: type[BaseModel], *statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the responses of a route for OpenAPI: 200 and errors, each as a page or as JSON."""
    both = {"content": {"text/html": {}, "application/json": {"schema": schema_of(model)}}}
    result: dict[int | str, dict[str, Any]] = {200: {"description": "A page, or JSON for programs.", **both}}
    for status in (401, 403, 404, 429, 500, 503, 507, *statuses):
        described = REFUSED.get(status, {})
        words = _ALSO.get(status) or described.get("description", "")
        result[status] = {"description": words, "model": REFUSED[401]["model"], "content": {"text/html": {}}}
    return result


async def respond_to(request: Request, name: str, work: Callable[[Visit], Awaitable[Response]]) -> Response:
    """Find out who comes and carry `work` out; errors are pages for people."""
    try:
        visit = await begin(request, name)
        try:
            return await work(visit)
        except (sqlite3.Error, OSError) as error:
            raise unusable(name, error) from None
    except RequestError as error:
        if is_json_wanted(request.headers):
            raise
        return show_error(request, error)


async def begin(request: Request, name: str) -> Visit:
    """Return the visit of a caller who may review this classifier; raises `RequestError` for all others."""
    caller, json = caller_of_review(request), is_json_wanted(request.headers)
    gateway, access = gateway_of(request), request.app.state.access
    opened = await asyncio.to_thread(gateway.queues.open, name)
    key, person = "" if access.unlocked else caller.name, annotator_of(caller, None, opened.spec)
    await asyncio.to_thread(gateway.feedback.admit, name, person)  # who is suspended reads nothing either
    sees_people = caller.admin or is_named_adjudicator(opened.spec, person)
    return Visit(request, name, opened, Reviewer(key, person), json, sees_people)


def caller_of_review(request: Request) -> Caller:
    """Return the caller. A program that sends JSON needs its key: no page of another site can send that along."""
    access: Access = request.app.state.access
    if request.method == "POST" and is_json_wanted(request.headers):
        return access.check(request.headers.get("authorization"), SCOPE)
    return person_at_page(request, SCOPE)
