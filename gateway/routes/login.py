"""Login of people at a browser, and logout: the key once in a form, then a session; every response is a page.

Add here another way to prove who one is. Sessions are in `gateway/review/sessions.py`, the cookie in `browser_auth.py`.
"""

import logging
import re
import secrets
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from gateway.errors import RequestError
from gateway.review.login_tries import LoginTries, names_of_try
from gateway.routes.auth import Access
from gateway.routes.browser_auth import (
    COOKIE,
    PAGE_HEADERS,
    cookie_name,
    give_cookie,
    need_own_page,
    read_form,
    session_in,
    sessions_of,
    tokens_of,
)
from ratchet.review.page.rendering import LoginForm, render_login
from ratchet.storage.keys.api_keys import Key, match_key

router = APIRouter()
_OPENS = frozenset({"review", "read", "admin"})
"""Scopes of which a page needs one."""
_PLACE = re.compile(r"(?:\./|(?:review|rollout|why|reports|trends|manual|docs)(?:/[A-Za-z0-9_-]{1,200}){0,2})")
"""Pages to which a login may lead, home first: never an address, so never another site."""
_NONCE, _NONCE_S, _DRAWN = "ratchet_login", 3600, re.compile(r"[A-Za-z0-9_-]{43}")
"""Cookie of the form: a form that another site copied from us is none of this browser's."""
_REJECTED = "This key opens no page here. Check it, or ask for a key with scope read, review or admin."
_DESCRIPTIONS = {
    200: "The form.",
    401: "The key opens no page.",
    403: "Another site sent the form, or this gateway did not make it for this browser.",
    413: "The form is too large.",
    422: "The form is not as the page sends it.",
    429: "Five tries a minute.",
}
_PAGES: dict[int | str, dict[str, Any]] = {
    status: {"content": {"text/html": {}}, "description": text} for status, text in _DESCRIPTIONS.items()
}
_DONE: dict[int | str, dict[str, Any]] = {303: {"description": "Done; a page follows."}}
_FIELDS = {name: {"type": "string"} for name in ("key", "token", "to")}


def _body(*fields: str) -> dict[str, Any]:
    schema = {"type": "object", "required": list(fields), "properties": {name: _FIELDS[name] for name in fields}}
    return {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": schema}}}}


@router.get("/login", response_class=HTMLResponse, responses={200: _PAGES[200]}, summary="The form of the login")
async def show(request: Request, to: str = "") -> Response:
    """Return the form. `to` is a page of this gateway to which the login leads, such as `review/tickets`."""
    return login_page(request, 200, to=to)


@router.post(
    "/login", status_code=303, response_class=Response, openapi_extra=_body("key", "token", "to"), summary="Log in",
    responses={**_DONE, **{status: each for status, each in _PAGES.items() if status != 200}},
)  # fmt: skip
async def log_in(request: Request) -> Response:
    """Take the key and begin a session of eight hours, which ends with the key. The form must come from our page."""
    form: dict[str, str] = {}
    try:
        need_own_page(request)
        form = await read_form(request)
        return _log_in(request, form)
    except RequestError as error:
        return login_page(request, error.status, error=error, to=form.get("to", ""))


@router.post(
    "/logout", status_code=303, response_class=Response, openapi_extra=_body("token"), summary="Log out",
    responses={**_DONE, **{status: _PAGES[status] for status in (403, 413, 422)}},
)  # fmt: skip
async def log_out(request: Request) -> Response:
    """End the session of this browser. Without one nothing happens."""
    try:
        need_own_page(request)
        form = await read_form(request)
        session = session_in(request)
        if session and not tokens_of(request).is_signed(form.get("token", ""), ["logout", session]):
            raise RequestError(403, "other_form", "This gateway did not make the form.", "Load the page again.")
    except RequestError as error:
        return login_page(request, error.status, error=error)
    sessions_of(request).end(session)
    response = RedirectResponse("login", 303, PAGE_HEADERS)
    give_cookie(request, response, COOKIE, "")
    return response


def login_page(request: Request, status: int, *, error: RequestError | None = None, to: str = "") -> HTMLResponse:
    """Return the form at whatever path, with the reason why it is shown; `to` is kept where it is a page of ours."""
    nonce = request.cookies.get(cookie_name(request, _NONCE), "")
    nonce = nonce if _DRAWN.fullmatch(nonce) else secrets.token_urlsafe(32)
    up = "../" * (request.url.path.count("/") - 1)
    form = LoginForm(f"{up}login", tokens_of(request).sign(["login", nonce]), _place(to), up)
    needed = not request.app.state.access.unlocked
    problem = f"{error.problem.message} {error.problem.hint}".strip() if error else ""
    response = HTMLResponse(render_login(form, problem, needed=needed), status, PAGE_HEADERS)
    give_cookie(request, response, _NONCE, nonce, _NONCE_S)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Bearer realm="ratchet"'  # no browser asks for a password because of it
    if error and error.retry_s is not None:
        response.headers["Retry-After"] = str(error.retry_s)
    return response


def logout_token(request: Request) -> str:
    """Return the token of the logout form of this browser; empty for one that is not logged in."""
    session = session_in(request)
    return tokens_of(request).sign(["logout", session]) if session else ""


def _log_in(request: Request, form: dict[str, str]) -> Response:
    access: Access = request.app.state.access
    tries: LoginTries = request.app.state.login_tries
    response = RedirectResponse(_place(form.get("to", "")), 303, PAGE_HEADERS)
    if access.unlocked:
        return response
    nonce, typed = request.cookies.get(cookie_name(request, _NONCE), ""), form.get("key", "").strip()
    if not nonce or not tokens_of(request).is_signed(form.get("token", ""), ["login", nonce]):
        raise RequestError(403, "other_form", "This gateway did not make the form for this browser.", "Try again.")
    names = names_of_try(request.client.host if request.client else "", typed)
    if wait_s := tries.wait_s(names):
        raise RequestError(429, "tries", "Too many tries.", f"Try again in {wait_s} seconds.", retry_s=wait_s)
    key = match_key(access.keys, typed)
    if key is None or not _opens_pages(key):
        tries.note_failure(names)
        logging.getLogger("ratchet.gateway").warning("a login failed")
        raise RequestError(401, "no_key", _REJECTED)
    sessions_of(request).end(session_in(request))
    give_cookie(request, response, COOKIE, sessions_of(request).begin(key))
    return response


def _opens_pages(key: Key) -> bool:
    return not _OPENS.isdisjoint(key.scopes) and not key.is_expired(datetime.now(UTC))


def _place(to: str) -> str:
    return to if _PLACE.fullmatch(to) else "./"
