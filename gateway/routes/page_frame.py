"""Frame and response of every page: who reads it, the way from it to the root, and the headers that keep it safe.

Add here what every page of the gateway needs; the frame's template is in `ratchet/core/pages/`.
"""

import secrets

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from starlette.exceptions import HTTPException

from gateway.errors import RequestError, answer_http
from gateway.routes.browser_auth import PAGE_HEADERS, person_at_page, scopes_at_page
from gateway.routes.login import login_page, logout_token
from ratchet.core.pages.environment import page_environment, policy_with_script
from ratchet.core.pages.frame import Frame


def frame_of(request: Request, place: str, classifier: str = "", scope: str = "read") -> Frame:
    """Return the frame of the page at the path of a request; raises `RequestError` for a caller without `scope`."""
    caller = person_at_page(request, scope)
    return draw_frame(request, place, classifier, caller.name, caller.scopes)


def draw_frame(
    request: Request, place: str, classifier: str = "", person: str = "", scopes: frozenset[str] | None = None
) -> Frame:
    """Return the frame of a page whose caller was let in already; `scopes` are found again where they are not given."""
    known = scopes_at_page(request) if scopes is None else scopes
    return Frame(way_to_root(request), classifier, place, person, logout_token(request), known)


def way_to_root(request: Request) -> str:
    """Return the way from the page at the path of a request to the root, such as `../`."""
    return "../" * (request.url.path.count("/") - 1)


def draw_nonce() -> str:
    """Draw the nonce of one response, which its scripts carry."""
    return secrets.token_urlsafe(16)


def answer_page(request: Request, html: str, status: int = 200, nonce: str = "") -> HTMLResponse:
    """Return a page with its headers; with `nonce` the scripts that carry it may run and ask this host."""
    more = {"Content-Security-Policy": policy_with_script(nonce)} if nonce else {}
    return HTMLResponse(html, status, {**PAGE_HEADERS, **more})


def answer_page_error(request: Request, error: RequestError, where: str = "") -> HTMLResponse:
    """Return the page of a request error: the login where somebody must log in, else the sentence and a way home."""
    if error.status == 401:
        page = request.url.path if request.method == "GET" else request.url.path.rpartition("/")[0]
        return login_page(request, 401, error=error, to=page.lstrip("/") or "./")
    problem, way = error.problem, way_to_root(request) or "./"
    template = page_environment().get_template("problem.html.j2")
    html = template.render(title=problem.message, text=problem.hint, where=where, home=way)
    response = answer_page(request, html, error.status)
    if error.retry_s is not None:
        response.headers["Retry-After"] = str(error.retry_s)
    return response


async def answer_unknown(request: Request, error: HTTPException) -> Response:
    """Return the router's error; a browser that opens an address that is none gets a page with a way home."""
    response = await answer_http(request, error)
    if error.status_code != 404 or request.method != "GET" or "text/html" not in request.headers.get("accept", ""):
        return response
    hint = "The address may be mistyped, or of another version."
    return answer_page_error(request, RequestError(404, "http", "This address has no page.", hint))
