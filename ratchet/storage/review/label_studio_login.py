"""Login of the Label Studio that `make label-studio` starts: `.label-studio/login.json`, readable by its owner alone.

Add here what a client must know of that server. The token of a Label Studio that others run comes from the environment.
"""

import json
import secrets
from dataclasses import asdict, dataclass, field

from ratchet.core.current_user import current_user
from ratchet.core.errors import RatchetError
from ratchet.core.files import read_if_there, write_json
from ratchet.storage.home import Home


@dataclass(frozen=True)
class LabelStudioLogin:
    """Address and account of our own Label Studio. No message, log or `repr` holds the secrets."""

    url: str
    user: str
    """Mail address by which a person logs in."""
    password: str = field(repr=False)
    token: str = field(repr=False)
    """Token of that user, 40 hex digits: Label Studio keeps no longer one."""


def read_login(home: Home) -> LabelStudioLogin | None:
    """Return the login; None where `make label-studio` never ran here. Raises `RatchetError` for a damaged file."""
    path = home.label_studio / "login.json"
    content = read_if_there(path)
    if content is None:
        return None
    try:
        document = json.loads(content)
        return LabelStudioLogin(**{name: str(document[name]) for name in ("url", "user", "password", "token")})
    except (ValueError, KeyError, TypeError):
        raise RatchetError(
            f"{path} cannot be read.", "Restore it from a backup; it holds the login of the annotations beside it.",
            code="broken_login",
        ) from None  # fmt: skip


def write_login(home: Home, url: str) -> LabelStudioLogin:
    """Return the login for the server at `url`, made at its first start; durable, with mode 0600."""
    found = read_login(home)
    login = found or LabelStudioLogin(
        url, f"{_mail_name()}@localhost", secrets.token_urlsafe(18), secrets.token_hex(20)
    )
    result = LabelStudioLogin(url, login.user, login.password, login.token)
    if result != found:
        write_json(home.label_studio / "login.json", asdict(result), mode=0o600)
    return result


def _mail_name() -> str:
    """Return the name of this machine's user, in the characters that Label Studio takes in a mail address."""
    return (
        "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in current_user()).strip("-")
        or "me"
    )
