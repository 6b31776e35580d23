"""The manual at /manual: the files of the built site, each known by name before it is opened, for everyone.

The manual holds no facts of a home, so it asks for no key. It is built by `make manual`; add pages in `docs/`.
"""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from gateway.errors import RequestError
from gateway.routes.browser_auth import PAGE_HEADERS
from gateway.routes.page_frame import answer_page_error
from gateway.state import gateway_of
from ratchet.core.manual_pages import render_llms

router = APIRouter()
_KINDS = {
    ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript", ".json": "application/json",
    ".svg": "image/svg+xml", ".png": "image/png", ".txt": "text/plain; charset=utf-8", ".xml": "application/xml",
    ".ipynb": "application/json", ".map": "application/json",
}  # fmt: skip
POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors"
    " 'none'"
)
"""The site's own scripts stand in its pages, which hold nothing that a user wrote."""
_FILES: dict[int | str, dict[str, Any]] = {
    200: {"description": "A file of the manual.", "content": {"text/html": {}, "application/json": {}}},
    404: {
        "description": "No such page, or the manual was not built.",
        "content": {"text/html": {}, "application/json": {}},  # the router itself answers for a path with a line break
    },
}


@router.get("/manual", response_class=Response, responses={307: {"description": "The way to its first page."}},
            status_code=307, summary="The manual")  # fmt: skip
async def redirect(request: Request) -> Response:
    """Return the way to the first page, below which all relative links of the site work."""
    return RedirectResponse("manual/", 307, PAGE_HEADERS)


@router.get("/manual/{path:path}", response_class=Response, responses=_FILES, summary="A page of the manual")
async def show(request: Request, path: str) -> Response:
    """Return a page or a file of the built manual; no name leads out of its folder."""
    try:
        content, kind = await asyncio.to_thread(_read, gateway_of(request).settings.manual, path)
    except RequestError as error:
        return answer_page_error(request, error, "manual")
    headers = {**PAGE_HEADERS, "Content-Security-Policy": POLICY, "Cache-Control": "max-age=300"}
    return Response(content, 200, headers, kind)


@router.get("/llms.txt", response_class=PlainTextResponse, summary="The pages of the manual, for programs that read")
async def list_for_programs() -> PlainTextResponse:
    """Return the list of pages with a sentence each, in the form of llms.txt."""
    text = await asyncio.to_thread(render_llms, lambda page: f"manual/{page.topic}/")
    return PlainTextResponse(text, headers={"X-Content-Type-Options": "nosniff"})


def _read(site: Path, path: str) -> tuple[bytes, str]:
    files = _list_files(site)
    if not files:
        raise RequestError(404, "no_manual", "The manual was not built here.", "Build it with 'make manual'.")
    wanted = f"{path}index.html" if not path or path.endswith("/") else path
    found = files.get(wanted)
    if found is None:
        raise RequestError(404, "no_page", "The manual has no such page.", "Its first page is /manual/.")
    try:
        return found.read_bytes(), _KINDS.get(found.suffix, "application/octet-stream")
    except OSError:
        raise RequestError(404, "no_page", "The page cannot be read.", "Build it again with 'make manual'.") from None


@cache
def _list_files(site: Path) -> dict[str, Path]:
    """Return the files of the site by their names, as they were when the first page was asked for."""
    return {path.relative_to(site).as_posix(): path for path in site.rglob("*") if path.is_file()}
