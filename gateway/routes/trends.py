"""Trends page of a classifier, and its numbers as JSON and CSV: read from files alone, without a button.

Add here another form of the history; it is read by `ratchet/workflows/history/`, drawn by the package `page` there.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from gateway.errors import RequestError
from gateway.routes.browser_auth import PAGE_HEADERS, caller_of_page
from gateway.routes.page_frame import answer_page, answer_page_error, frame_of
from gateway.state import gateway_of
from ratchet.core.errors import RatchetError
from ratchet.core.pages.frame import Frame
from ratchet.storage.home import Home
from ratchet.workflows.adapter_names import AdapterNames
from ratchet.workflows.history.flat import write_csv
from ratchet.workflows.history.history import first_of_year, load_history
from ratchet.workflows.history.page.rendering import render_trends

router = APIRouter()
SCOPE = "read"
_DESCRIPTIONS = {
    200: "The newest 52 weeks.",
    401: "No valid key and no login; a browser asks for a key.",
    403: "The key lacks the scope.",
    404: "No such classifier.",
    429: "The key asked too often.",
    503: "A file of the home cannot be read.",
}
_DATA_HEADERS = {name: value for name, value in PAGE_HEADERS.items() if name != "Content-Security-Policy"}


def _responses(kind: str) -> dict[int | str, dict[str, Any]]:
    errors = "text/html" if kind == "text/html" else "application/json"
    return {
        status: {"content": {kind if status == 200 else errors: {}}, "description": text}
        for status, text in _DESCRIPTIONS.items()
    }


@router.get("/trends/{name}", response_class=HTMLResponse, responses=_responses("text/html"), summary="The trends page")
async def show(request: Request, name: str) -> Response:
    """Return figures, promotions and blocked weeks over a year as a page, to a login or the password of HTTP Basic."""
    try:
        frame = frame_of(request, "trends", name, SCOPE)
        document = await _load(request, name)
        page = await asyncio.to_thread(_draw, gateway_of(request).slots.home, document, frame)
    except RequestError as error:
        return answer_page_error(request, error, "trends")
    return answer_page(request, page)


@router.get("/trends/{name}/history.json", response_class=JSONResponse, responses=_responses("application/json"),
            summary="The numbers of the trends page")  # fmt: skip
async def show_json(request: Request, name: str) -> Response:
    """Return the document of `ratchet history NAME --json`."""
    caller_of_page(request, SCOPE)
    return JSONResponse(await _load(request, name), 200, _DATA_HEADERS)


@router.get("/trends/{name}/history.csv", response_class=Response, responses=_responses("text/csv"),
            summary="The numbers of the trends page, a row for each week")  # fmt: skip
async def show_csv(request: Request, name: str) -> Response:
    """Return what `ratchet history NAME --csv` prints."""
    caller_of_page(request, SCOPE)
    document = await _load(request, name)
    named = {"Content-Disposition": f'attachment; filename="{name}-history.csv"'}
    return Response(write_csv(document["weeks"]), 200, {**_DATA_HEADERS, **named}, "text/csv")


def _draw(home: Home, document: dict[str, Any], frame: Frame) -> str:
    names = AdapterNames(home, frame.classifier)
    return render_trends(document, frame, lambda digest: names.of(digest).short)


async def _load(request: Request, name: str) -> dict[str, Any]:
    home = gateway_of(request).slots.home
    if name not in home.served():
        known = ", ".join(home.served()) or "none"
        raise RequestError(404, "no_classifier", "Unknown classifier.", f"Classifiers: {known}.")
    return await asyncio.to_thread(_read, home, name)


def _read(home: Home, name: str) -> dict[str, Any]:
    try:
        document = load_history(home, name, datetime.now(UTC), first_of_year(home, name))
    except (RatchetError, OSError) as error:
        message = error.message if isinstance(error, RatchetError) else error.strerror or type(error).__name__
        raise RequestError(503, "unreadable", f"The history cannot be read: {_without(home, message)}") from None
    return {**document, "notes": [_without(home, note) for note in document["notes"]]}


def _without(home: Home, message: str) -> str:
    return message.replace(f"{home.root}/", "")
