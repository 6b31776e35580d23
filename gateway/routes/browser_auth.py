"""Authentication of browsers, and proof that a form came from our own page: for pages, never for the API.

A browser cannot send `Authorization: Bearer`, so a key is also accepted as the password of HTTP Basic, with any user
name. Add here what only browsers need; keys and scopes are in `auth.py`.
"""

import base64
import binascii
import hmac
import json
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import parse_qs

from fastapi import Request

from gateway.errors import RequestError
from ratchet.rollout.ledger_entry import Head
from ratchet.storage.keys.api_keys import match_key

FORM_AT_MOST = 8192


@dataclass(frozen=True)
class FormTokens:
    """Tokens of forms; each proves that this process made the form for a classifier, user and head of the ledger."""

    secret: bytes

    def make(self, classifier: str, who: str, head: Head) -> str:
        """Return the token of a form."""
        content = json.dumps([classifier, who, head.sequence, head.digest]).encode()
        return hmac.new(self.secret, content, sha256).hexdigest()

    def is_ours(self, token: str, classifier: str, who: str, head: Head) -> bool:
        """True where `make` made `token` for exactly these arguments."""
        return hmac.compare_digest(token.encode(), self.make(classifier, who, head).encode())


def caller_of_page(request: Request, scope: str) -> str:
    """Return the name of the caller's key (Basic or Bearer), empty on an open home; else raises `RequestError`."""
    access, header = request.app.state.access, request.headers.get("authorization", "")
    if access.unlocked:
        return ""
    kind, _, credentials = header.partition(" ")
    secret = _password(credentials) if kind.lower() == "basic" else credentials.strip()
    access.check(f"Bearer {secret}" if header else None, scope)
    key = match_key(access.keys, secret)
    return key.name if key else ""


def need_own_page(request: Request) -> None:
    """Raise `RequestError` if the browser reports that another site sent the form.

    `Origin: null` proves nothing, since our own pages send no referrer; the token decides then.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "null")
    foreign = origin != "null" and origin.partition("://")[2].lower() != request.headers.get("host", "").lower()
    if foreign if site is None else site != "same-origin":
        raise RequestError(403, "other_site", "The form was sent from another site.", "Open the rollout page itself.")


async def read_form(request: Request) -> dict[str, str]:
    """Return the fields of a URL-encoded form of at most `FORM_AT_MOST` bytes; raises `RequestError` for all else."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > FORM_AT_MOST:
            raise RequestError(
                413, "too_large", f"The form is larger than {FORM_AT_MOST} bytes.", "Shorten the reason."
            )
    try:
        fields = parse_qs(content.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        raise RequestError(422, "bad_form", "The form cannot be read.", "Send the form of the rollout page.") from None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise RequestError(422, "bad_form", "The body is not a form.", "Send the form of the rollout page.")
    return {name: values[-1] for name, values in fields.items()}


def _password(credentials: str) -> str:
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, ValueError):
        return ""
