"""Report pages: all weeks of a classifier, one week, and the texts behind a cell of its confusion matrix.

Add here another page about one week; its content is `ratchet/workflows/week_report/`.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, Response

from gateway.errors import RequestError
from gateway.routes.page_frame import answer_page, answer_page_error, frame_of
from gateway.state import gateway_of
from ratchet.core.errors import RatchetError
from ratchet.core.pages.frame import Frame
from ratchet.storage.home import Home
from ratchet.storage.home_settings_file import read_home_settings
from ratchet.storage.links import Links
from ratchet.workflows.history.history import load_history
from ratchet.workflows.week_report.page.rendering import render_cell, render_week, render_weeks
from ratchet.workflows.week_report.week_report import load_test_errors, load_week_report

router = APIRouter()
_PAGES: dict[int | str, dict[str, Any]] = {
    status: {"content": {"text/html": {}}, "description": text}
    for status, text in {
        200: "The page.",
        401: "No valid key and no login; a browser asks for a key.",
        403: "The key lacks the scope.",
        404: "No such classifier or week.",
        429: "The key asked too often.",
        503: "A file of the home cannot be read.",
    }.items()
}
_CELLS: dict[int | str, dict[str, Any]] = {
    **_PAGES,
    422: {"content": {"application/json": {}}, "description": "A parameter is not as described."},
}
_LONGEST = 200


@router.get("/reports/{name}", response_class=HTMLResponse, responses=_PAGES, summary="All weeks of a classifier")
async def show_weeks(request: Request, name: str) -> Response:
    """Return the weeks that ran, newest first, each with its verdict and the way to its page."""

    def draw(home: Home, frame: Frame) -> str:
        return render_weeks(load_history(home, name, datetime.now(UTC)), frame)

    return await _answer(request, name, draw)


@router.get("/reports/{name}/{week}", response_class=HTMLResponse, responses=_PAGES, summary="The report of a week")
async def show_week(request: Request, name: str, week: str) -> Response:
    """Return the report of the week of a Monday, or why there is none, which rows stopped it, and what to do."""

    def draw(home: Home, frame: Frame) -> str:
        return render_week(load_week_report(home, name, week), frame, _links(home))

    return await _answer(request, name, draw)


@router.get(
    "/reports/{name}/{week}/cells", response_class=HTMLResponse, responses=_CELLS,
    summary="The texts behind a cell of the confusion matrix",
)  # fmt: skip
async def show_cell(
    request: Request,
    name: str,
    week: str,
    label: str = Query("", max_length=_LONGEST),
    predicted: str = Query("", max_length=_LONGEST),
    first: int = Query(0, ge=0, le=1_000_000),
) -> Response:
    """Return ids and redacted texts of the test split with this label and prediction; never a golden item."""

    def draw(home: Home, frame: Frame) -> str:
        found = load_week_report(home, name, week)
        errors = load_test_errors(home, name, week)
        rows = [row for row in errors if (row.get("label"), row.get("predicted")) == (label, predicted)]
        return render_cell(found, frame, (label, predicted), rows, first)

    return await _answer(request, name, draw)


async def _answer(request: Request, name: str, draw: Callable[[Home, Frame], str]) -> Response:
    try:
        frame = frame_of(request, "reports", name)
        return answer_page(request, await asyncio.to_thread(_draw, gateway_of(request).slots.home, frame, draw))
    except RequestError as error:
        return answer_page_error(request, error, "reports")


def _draw(home: Home, frame: Frame, draw: Callable[[Home, Frame], str]) -> str:
    if frame.classifier not in home.served():
        known = ", ".join(home.served()) or "none"
        raise RequestError(404, "no_classifier", "Unknown classifier.", f"Classifiers: {known}.")
    try:
        return draw(home, frame)
    except RatchetError as error:
        status = 404 if error.code == "no_week" else 503
        raise RequestError(status, error.code, _without(home, error.message), _without(home, error.hint)) from None
    except OSError as error:
        message = f"A file of the home cannot be read ({error.strerror or type(error).__name__})."
        raise RequestError(503, "unreadable", message, "Check the permissions of the home's files.") from None


def _links(home: Home) -> Links:
    try:
        return Links(read_home_settings(home))
    except RatchetError:  # a page is shown whatever is wrong with the settings; 'ratchet doctor' says it
        return Links()


def _without(home: Home, message: str) -> str:
    return message.replace(f"{home.root}/", "")
