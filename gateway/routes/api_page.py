"""Page of the HTTP interface: Swagger UI over the gateway's own OpenAPI document, from files of an installed package.

Add here another file of that page. Examples and who may call what are `gateway/openapi.py`.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from gateway.errors import RequestError
from gateway.routes.page_frame import answer_page, draw_frame, draw_nonce
from ratchet.core.pages.environment import page_environment

router = APIRouter()
FileName = Literal["swagger-ui-bundle.js", "swagger-ui.css"]
_KINDS: dict[FileName, str] = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_PACKAGE = "fastapi_offline"
"""Package that ships the files, so that no browser asks another host for them; nothing of its code is used."""
_TEMPLATES = Path(__file__).parent / "templates"
_MISSING: dict[int | str, dict[str, Any]] = {404: {"description": "The package with the page's files is not there."}}


@router.get("/docs", response_class=HTMLResponse, summary="This page")
async def show(request: Request) -> Response:
    """Return the page; its requests carry the key that is typed there."""
    nonce = draw_nonce()
    template = page_environment(_TEMPLATES).get_template("api.html.j2")
    html = template.render(frame=draw_frame(request, "docs"), nonce=nonce)
    response = answer_page(request, html, nonce=nonce)
    policy = response.headers["Content-Security-Policy"]
    response.headers["Content-Security-Policy"] = policy.replace("style-src", "style-src 'self'")
    return response


@router.get("/docs/{file}", response_class=Response, responses=_MISSING, summary="A file of the page")
async def show_file(file: FileName) -> Response:
    """Return a script or style of Swagger UI; no other name is a file here."""
    headers = {"Cache-Control": "max-age=86400", "X-Content-Type-Options": "nosniff"}
    return Response(_read(file), media_type=_KINDS[file], headers=headers)


@cache
def _read(file: FileName) -> bytes:
    found = find_spec(_PACKAGE)
    try:
        return (Path(str(found.origin if found else "")).parent / "static" / file).read_bytes()
    except OSError:
        raise RequestError(
            404, "no_file", "The files of this page are not installed.", f"Install {_PACKAGE.replace('_', '-')}."
        ) from None
