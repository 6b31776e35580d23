"""Page and JSON of one request's history, for admins: an unknown id, and one of another home, are the same 404.

Add here how the history is asked for; it is found by `ratchet/workflows/review/why.py`, in plain files alone.
"""

import asyncio
import logging
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from gateway.errors import RequestError
from gateway.routes.browser_auth import PAGE_HEADERS, person_at_page
from gateway.routes.page_frame import answer_page_error, draw_frame
from gateway.state import Gateway, gateway_of
from ratchet.review.page.history import render_history
from ratchet.review.request_history import RequestHistory
from ratchet.storage.review.read_log import ReadLog
from ratchet.workflows.review.request_rows import find_in_files
from ratchet.workflows.review.why import trace_request

router = APIRouter()
_LOG = logging.getLogger("ratchet.gateway")
_DESCRIPTIONS = {
    200: "The history, by classifier: as a page where the client accepts HTML, else as JSON.",
    401: "No valid key; a browser asks for one.",
    403: "The key lacks the scope.",
    404: "No request of this home has this id.",
    429: "The key asked too often.",
    503: "A file of the home cannot be read.",
    507: "It cannot be noted who reads the text.",
}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"content": {"text/html": {}, "application/json": {}}, "description": text}
    for status, text in _DESCRIPTIONS.items()
}


@router.get("/why/{request_id}", response_class=Response, responses=_RESPONSES, summary="What happened to a request")
async def show(request: Request, request_id: str, text: bool = False) -> Response:
    """Return what happened to a request: answer, feedback, corrections, cycles. With `text`, its text, redacted."""
    page = "text/html" in request.headers.get("accept", "")
    try:
        caller = person_at_page(request, "admin")
        key = "" if request.app.state.access.unlocked else caller.name
        histories = await asyncio.to_thread(_trace, gateway_of(request), request_id, text)
        if text:
            await asyncio.to_thread(_note_reading, gateway_of(request), key, caller.person, histories)
    except RequestError as error:
        if not page:
            raise
        return answer_page_error(request, error, "why")
    _LOG.info("key %s read the history of a request of %s", key or "(none)", histories[0].classifier)
    if page:
        frame = draw_frame(request, "why", histories[0].classifier, caller.person)
        return HTMLResponse(await asyncio.to_thread(render_history, histories, frame=frame), 200, PAGE_HEADERS)
    found = [history.as_json() for history in histories]
    headers = {name: value for name, value in PAGE_HEADERS.items() if name != "Content-Security-Policy"}
    return JSONResponse({"schema": 1, "request_id": request_id, "classifiers": found}, 200, headers)


def _trace(gateway: Gateway, request_id: str, text: bool) -> list[RequestHistory]:
    home, served = gateway.slots.home, gateway.slots.home.served()
    # an id of our own proves its classifier, so that the files of the others need not be read
    names = [name for name in served if gateway.ids.judge(request_id, name, "").genuine] or served
    try:
        traced = [trace_request(home, name, request_id, text=text, find=find_in_files) for name in names]
    except OSError as error:
        message = f"A file of the home cannot be read ({error.strerror or type(error).__name__})."
        raise RequestError(503, "unreadable", message, "Check the permissions of the home's files.") from None
    if not (found := [history for history in traced if not history.is_empty]):
        raise RequestError(
            404, "no_request", "No request of this home has this id.", "'ratchet why' on the machine looks further."
        )
    return found


def _note_reading(gateway: Gateway, key: str, person: str, histories: list[RequestHistory]) -> None:
    """Note who reads the text before it is shown; raises `RequestError` where that cannot be written."""
    try:
        for history in histories:
            ReadLog(gateway.slots.home, history.classifier).append(key, person, "why", [history.request_id])
    except OSError:
        message = "The text is not shown: it cannot be noted who reads it."
        raise RequestError(507, "disk", message, "Ask without the text, or again later.", retry_s=5) from None
