"""Page of the people who label, for admins and adjudicators: read from one file, so that no warehouse is opened.

Add here how the figures are asked for; they are made in `ratchet/workflows/review/people.py`, and shown by
`ratchet/review/page/people.py`.
"""

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from gateway.errors import RequestError, is_json_wanted
from gateway.review.pages import review_frame, show_error
from gateway.routes.auth import Access, Caller
from gateway.routes.browser_auth import PAGE_HEADERS, person_at_page
from gateway.state import Gateway, gateway_of
from ratchet.core.errors import RatchetError
from ratchet.review.adjudicators import is_named_adjudicator
from ratchet.review.page.people import read_texts, render_people
from ratchet.storage.review.people_file import read_people
from ratchet.storage.review.read_log import ReadLog

router = APIRouter()
_DESCRIPTIONS = {
    200: "The figures: as a page where the client accepts HTML, else as JSON.",
    401: "No valid key, or nobody is logged in.",
    403: "The key has scope review, and is not that of an adjudicator.",
    404: "Unknown classifier.",
    429: "The key asked too often.",
    503: "The file of figures cannot be read.",
    507: "The disk is full: nothing is shown that is not logged.",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"content": {"text/html": {}, "application/json": {}}, "description": text}
    for status, text in _DESCRIPTIONS.items()
}


@router.get("/review/{name}/people", response_class=Response, responses=_RESPONSES, summary="The people who label")
async def show(request: Request, name: str) -> Response:
    """Return labels, agreement and pace of each person, and texts on which two differ; the reading is logged by key."""
    try:
        caller = person_at_page(request, "review")
        gateway, access = gateway_of(request), request.app.state.access
        document = await asyncio.to_thread(_read, gateway, access, caller, name)
    except RequestError as error:
        if is_json_wanted(request.headers):
            raise
        return show_error(request, error)
    if is_json_wanted(request.headers):
        return JSONResponse(document or {"people": [], "confusions": [], "generated_at": None})
    now = gateway.settings.now()
    page = await asyncio.to_thread(render_people, review_frame(request, caller.person, name), document, now)
    return HTMLResponse(page, 200, PAGE_HEADERS)


def _read(gateway: Gateway, access: Access, caller: Caller, name: str) -> dict[str, Any] | None:
    """Return the figures, after the line that says who reads their texts is on disk."""
    opened = None if caller.admin else gateway.queues.open(name)
    if opened is not None and not is_named_adjudicator(opened.spec, caller.person):
        raise RequestError(
            403,
            "no_scope",
            "Figures of people are for admins and adjudicators.",
            "Ask for a key with scope admin, or for a place in adjudicators of [review].",
        )
    if opened is not None:
        gateway.feedback.admit(name, caller.person)  # who is suspended reads nothing
    home = gateway.slots.home
    if name not in home.served():
        raise RequestError(404, "no_classifier", "Unknown classifier.", "Look at /review for those of this gateway.")
    try:
        document = read_people(home, name)
        requests = read_texts(document) if document else []
    except RatchetError:
        raise _unreadable(name) from None
    except OSError:
        raise _unreadable(name) from None
    try:
        if requests:
            ReadLog(home, name).append("" if access.unlocked else caller.name, caller.person, "people", requests)
    except OSError:
        raise RequestError(
            507, "disk", "The reading cannot be logged, so nothing is shown.", "Free disk space."
        ) from None
    return document


def _unreadable(name: str) -> RequestError:
    return RequestError(
        503, "unreadable", "The figures cannot be read.", f"'ratchet people {name}' on the machine writes them anew."
    )
