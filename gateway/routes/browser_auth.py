"""Authentication of browsers, and proof that a form came from our own page: for pages, never for the API.

A browser cannot send `Authorization: Bearer`, so the cookie of a login counts at pages, and a key as the password of
HTTP Basic, with any user name. Add here what only browsers need; keys and scopes are in `auth.py`, the login is in
`login.py`.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import cast
from urllib.parse import parse_qs

from fastapi import Request, Response

from gateway.errors import RequestError
from gateway.request_guard import read_headers
from gateway.review.sessions import LASTS_S, Sessions
from gateway.routes.auth import Access, Caller, owner_of_machine
from ratchet.core.pages.environment import POLICY
from ratchet.core.request_source import came_by_tls
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.keys.api_keys import match_key

FORM_AT_MOST = 8192
FORM_TYPE = "application/x-www-form-urlencoded"
COOKIE = "ratchet_session"
PAGE_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Headers of every page; one with a script has a policy of its own."""


@dataclass(frozen=True)
class FormTokens:
    """Tokens of forms; each proves that this process made the form for a classifier, user and head of the ledger."""

    secret: bytes

    def make(self, classifier: str, who: str, head: Head) -> str:
        """Return the token of a form that decides on a head of the ledger."""
        return self.sign([classifier, who, head.sequence, head.digest])

    def sign(self, facts: Sequence[str | int]) -> str:
        """Return the token of a form that was made for `facts`, the first of which names the form."""
        return hmac.new(self.secret, json.dumps(list(facts)).encode(), sha256).hexdigest()

    def is_ours(self, token: str, classifier: str, who: str, head: Head) -> bool:
        """True where `make` made `token` for exactly these arguments."""
        return self.is_signed(token, [classifier, who, head.sequence, head.digest])

    def is_signed(self, token: str, facts: Sequence[str | int]) -> bool:
        """True where `sign` made `token` for exactly these facts."""
        return hmac.compare_digest(token.encode(), self.sign(facts).encode())


def tokens_of(request: Request) -> FormTokens:
    """Return the tokens of this process."""
    return cast(FormTokens, request.app.state.form_tokens)


def sessions_of(request: Request) -> Sessions:
    """Return the sessions of this process."""
    return cast(Sessions, request.app.state.sessions)


def caller_of_page(request: Request, scope: str) -> str:
    """Return the name of the caller's key (session, Basic or Bearer), empty on an open home; else raises
    `RequestError`."""
    access: Access = request.app.state.access
    return "" if access.unlocked else person_at_page(request, scope).name


def person_at_page(request: Request, scope: str) -> Caller:
    """Return the caller of a page, by the session of a login or else by a key; raises `RequestError` for all others."""
    access: Access = request.app.state.access
    header = request.headers.get("authorization", "")
    if header or access.unlocked:
        kind, _, credentials = header.partition(" ")
        secret = _password(credentials) if kind.lower() == "basic" else credentials.strip()
        return access.check(f"Bearer {secret}" if header else None, scope)
    key = sessions_of(request).find(session_in(request), access.keys)
    if key is None:
        raise RequestError(401, "no_session", "You are not logged in.", "Log in with your key.")
    return access.admit(key, scope)


def scopes_at_page(request: Request) -> frozenset[str]:
    """Return the scopes of whoever opens a page, by header or session; empty for somebody unknown. Counts no call."""
    access: Access = request.app.state.access
    if access.unlocked:
        return owner_of_machine().scopes
    kind, _, credentials = request.headers.get("authorization", "").partition(" ")
    secret = _password(credentials) if kind.lower() == "basic" else credentials.strip()
    key = match_key(access.keys, secret) if secret else sessions_of(request).find(session_in(request), access.keys)
    return frozenset(key.scopes) if key else frozenset()


def session_in(request: Request) -> str:
    """Return the session id in the cookie of a request, empty without one."""
    return request.cookies.get(cookie_name(request, COOKIE), "")


def give_cookie(request: Request, response: Response, name: str, value: str, lasts_s: int = LASTS_S) -> None:
    """Set a cookie that no script reads and no other site sends; behind TLS it never goes over plain HTTP.

    An empty value removes it.
    """
    response.set_cookie(
        cookie_name(request, name), value, max_age=lasts_s if value else 0, path="/", httponly=True,
        samesite="strict", secure=_by_tls(request),
    )  # fmt: skip


def cookie_name(request: Request, name: str) -> str:
    """Return the name of a cookie: behind TLS with the prefix that no other host of the domain can set."""
    return f"__Host-{name}" if _by_tls(request) else name


def _by_tls(request: Request) -> bool:
    return came_by_tls(read_headers(request.scope), request.scope["scheme"])


def need_own_page(request: Request) -> None:
    """Raise `RequestError` if the browser reports that another site sent the form.

    `Origin: null` proves nothing, since our own pages send no referrer; the token decides then.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "null")
    foreign = origin != "null" and origin.partition("://")[2].lower() != request.headers.get("host", "").lower()
    if foreign if site is None else site != "same-origin":
        raise RequestError(403, "other_site", "The form was sent from another site.", "Open the page itself.")


async def read_form(request: Request, at_most: int = FORM_AT_MOST) -> dict[str, str]:
    """Return the fields of a URL-encoded form of at most `at_most` bytes; raises `RequestError` for all else."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > at_most:
            raise RequestError(413, "too_large", f"The form is larger than {at_most} bytes.", "Shorten what you typed.")
    try:
        fields = parse_qs(content.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        raise RequestError(422, "bad_form", "The form cannot be read.", "Send the form of the page.") from None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise RequestError(422, "bad_form", "The body is not a form.", "Send the form of the page.")
    return {name: values[-1] for name, values in fields.items()}


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
