"""How a browser proves who sits before it, and that a form was sent from our own page: for pages, never for the API.

A browser cannot send `Authorization: Bearer`, so a key is also taken as the password of HTTP Basic, whatever the user
name. Add here what only browsers need; keys and scopes are `auth.py`.
"""

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs

from fastapi import Request

from gateway.errors import RequestError
from gateway.state import gateway_of
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.api_keys import match_key

FORM_AT_MOST = 8192
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]"}


@dataclass(frozen=True)
class FormTokens:
    """Proofs that a form was made by this process, for one classifier, one user and one head of its ledger."""

    secret: bytes

    def make(self, classifier: str, who: str, head: Head) -> str:
        """The token of a form."""
        said = json.dumps([classifier, who, head.sequence, head.digest]).encode()
        return hmac.new(self.secret, said, sha256).hexdigest()

    def is_ours(self, token: str, classifier: str, who: str, head: Head) -> bool:
        """Whether `make` made `token` for just these."""
        return hmac.compare_digest(token.encode(), self.make(classifier, who, head).encode())


def caller_of_page(request: Request, scope: str) -> str:
    """The name of the key that came, by Basic or Bearer; empty on a home without keys. Raises `RequestError` for any
    other caller.

    A home without keys answers only to names of this machine: another name that leads here is another site's page,
    which had its name point at loopback. A request without `Host` comes from no browser.
    """
    access, header = request.app.state.access, request.headers.get("authorization", "")
    if not access.keys:
        if _host_of(request) not in {None, *_LOOPBACK, gateway_of(request).settings.host}:
            raise RequestError(
                403, "other_host", "A home without keys shows its pages to this machine only.", "Ask for 127.0.0.1."
            )
        return ""
    kind, _, said = header.partition(" ")
    secret = _password(said) if kind.lower() == "basic" else said.strip()
    access.check(f"Bearer {secret}" if header else None, scope)
    key = match_key(access.keys, secret)
    return key.name if key else ""


def need_own_page(request: Request) -> None:
    """Raise `RequestError` when the browser says that another site sent the form.

    `Origin: null` says nothing, since our own pages tell no referrer; the token decides then.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "null")
    foreign = origin != "null" and origin.partition("://")[2].lower() != request.headers.get("host", "").lower()
    if foreign if site is None else site != "same-origin":
        raise RequestError(403, "other_site", "The form was sent from another site.", "Open the rollout page itself.")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a URL-encoded form, each once; raises `RequestError` for anything else, or for more than
    `FORM_AT_MOST` bytes."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > FORM_AT_MOST:
            raise RequestError(
                413, "too_large", f"The form is larger than {FORM_AT_MOST} bytes.", "Give a shorter reason."
            )
    try:
        result = parse_qs(content.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        raise RequestError(422, "bad_form", "The form cannot be read.", "Send the form of the rollout page.") from None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise RequestError(422, "bad_form", "The body is no form.", "Send the form of the rollout page.")
    return {name: values[-1] for name, values in result.items()}


def _password(said: str) -> str:
    try:
        return base64.b64decode(said.strip(), validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def _host_of(request: Request) -> str | None:
    said = request.headers.get("host")
    result = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:]*)(:[0-9]+)?", said or "")
    return None if said is None else result[1].lower() if result else ""
