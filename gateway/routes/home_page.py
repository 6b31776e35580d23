"""Home page of the gateway, and the same facts as JSON: one card for each classifier.

Add here another form of the overview; its facts are found by `ratchet/workflows/overview/`.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from gateway.errors import RequestError
from gateway.routes.auth import need
from gateway.routes.browser_auth import person_at_page, scopes_at_page
from gateway.routes.page_frame import answer_page, answer_page_error, draw_frame
from gateway.state import gateway_of
from ratchet.workflows.overview.cards import load_overview
from ratchet.workflows.overview.page.rendering import render_home

router = APIRouter()
_PAGES: dict[int | str, dict[str, Any]] = {
    status: {"content": {"text/html": {}}, "description": text}
    for status, text in {
        200: "The page.",
        401: "No valid key and no login; a browser asks for a key.",
        403: "The key opens no page.",
        429: "The key asked too often.",
    }.items()
}


@router.get("/", response_class=HTMLResponse, responses=_PAGES, summary="The home page")
async def show(request: Request) -> Response:
    """Return a card for each classifier. With scope `review` alone it tells what waits, and no verdict of a model."""
    try:
        scopes = scopes_at_page(request)
        scope = "review" if "review" in scopes and "read" not in scopes else "read"
        caller = person_at_page(request, scope)
        overview = await asyncio.to_thread(load_overview, gateway_of(request).slots.home, datetime.now(UTC))
        frame = draw_frame(request, "home", "", caller.name, caller.scopes)
        return answer_page(request, await asyncio.to_thread(render_home, overview, frame))
    except RequestError as error:
        return answer_page_error(request, error)


@router.get("/v1/overview", dependencies=[Depends(need("read"))], summary="The facts of the home page")
async def show_json(request: Request) -> JSONResponse:
    """Return what is live, where each rollout stands, how the last cycle ended and what waits, by classifier."""
    home = gateway_of(request).slots.home
    return JSONResponse(await asyncio.to_thread(load_overview, home, datetime.now(UTC)))
