"""Keys of the gateway in `keys.json` of a home: only their digests, with the person, the scopes and the rate of each.

A key is 256 random bits, so its plain SHA-256 cannot be reversed. Add a scope to `SCOPES`, and a limit of a key to
`Key`; each route of the gateway names the scope that it requires.
"""

import hmac
import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.core.current_user import current_user
from ratchet.core.digests import digest_bytes
from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.files import make_folder, write_json
from ratchet.core.filesystem import DISK
from ratchet.core.names import NAME, nearest
from ratchet.core.person_names import BadNameError, normalise_name
from ratchet.core.system_errors import hint_for
from ratchet.storage.keys.keys_log import KeyChange, KeyEvent, KeysLog

SCOPES = ("classify", "feedback", "annotate", "review", "read", "admin")
"""`review` suffices to read what waits for review and to answer it, and shows no verdict of a model; `read` opens every
other page, without its buttons; `annotate` reads nothing."""
_PREFIX = "rk_"


@dataclass(frozen=True)
class Key:
    """One key: its holder, the digest of its secret, its scopes, and its requests per minute (0: no limit)."""

    name: str
    sha256: str
    scopes: tuple[str, ...]
    per_minute: int = 0
    person: str = ""
    """Person who holds it, in the one form of names; corrections with this key are theirs."""
    may_speak_for: tuple[str, ...] = ()
    """Other annotators whose corrections it may bring, in the one form of names."""
    blind: bool = False
    """True where its holder works without seeing predictions: only then may a direct correction count as blind."""
    expires: str = ""
    """RFC 3339 time from which on it opens nothing; empty for never."""
    made: str = ""

    def __post_init__(self) -> None:
        if not self.person:
            object.__setattr__(self, "person", self.name)
        self.ends  # noqa: B018 - raises for an expiry that is not a time

    @property
    def ends(self) -> datetime | None:
        """Time from which on it opens nothing, None for never; raises ValueError where `expires` has no time zone."""
        result = datetime.fromisoformat(self.expires) if self.expires else None
        if result is not None and result.tzinfo is None:
            raise ValueError("expires has no time zone")
        return result

    def is_expired(self, now: datetime) -> bool:
        """Return True from its last moment on; `now` is aware."""
        return self.ends is not None and now >= self.ends


@dataclass(frozen=True)
class Keys:
    """The keys in the file at `path`; a missing file holds none."""

    path: Path

    def read(self) -> tuple[Key, ...]:
        """Read every key; raises `RatchetError` for a file that is not valid or that this user may not read."""
        try:
            rows = json.loads(self.path.read_bytes())
            if not isinstance(rows, list):
                raise TypeError
            return tuple(_key_of(row) for row in rows)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise RatchetError(
                f"{self.path} cannot be read: {error.strerror}.", hint_for(error), code="bad_keys"
            ) from None
        except (ValueError, TypeError, KeyError):
            raise RatchetError(
                f"{self.path} is not a list of keys.", "Restore it, or remove it and make new keys.", code="bad_keys"
            ) from None

    def add(
        self,
        name: str,
        scopes: tuple[str, ...],
        per_minute: int = 0,
        *,
        person: str = "",
        may_speak_for: Sequence[str] = (),
        blind: bool = False,
        expires: datetime | None = None,
    ) -> str:
        """Make a key called `name` and return its secret, which is stored nowhere. A key of that name is replaced.

        Raises `UsageError` for a name or scope that is not allowed, or an expiry that has passed.
        """
        _check_name_and_scopes(name, scopes)
        now = datetime.now(UTC)
        if expires is not None and expires <= now:
            raise UsageError(f"expires {expires.isoformat()} has passed.", "Give a time to come.", code="bad_expiry")
        secret = _PREFIX + secrets.token_urlsafe(32)
        made = Key(
            name, digest_bytes(secret.encode()), tuple(dict.fromkeys(scopes)), per_minute,
            person=_person(person or name), may_speak_for=tuple(dict.fromkeys(map(_person, may_speak_for))),
            blind=blind, expires=expires.isoformat() if expires else "", made=now.isoformat(timespec="seconds"),
        )  # fmt: skip
        with self._locked():
            keys = self.read()
            self._log("changed" if any(key.name == name for key in keys) else "made", made)
            self._write([*(key for key in keys if key.name != name), made])
        return secret

    def revoke(self, name: str) -> Key:
        """Remove the key called `name` and return it; raises `UsageError` where there is none.

        The file stays, empty where it was the last one: a home whose keys are all revoked is closed, not open.
        """
        with self._locked():
            keys = self.read()
            found = next((key for key in keys if key.name == name), None)
            if found is None:
                known = [key.name for key in keys]
                hint = nearest(name, known) or f"Keys: {', '.join(known) or 'none'}."
                raise UsageError(f"the home has no key {name[:80]!r}.", hint, code="no_key")
            self._log("revoked", found)
            self._write([key for key in keys if key.name != name])
        return found

    def _log(self, event: KeyEvent, key: Key) -> None:
        """Add the change to the history first: a crash in between leaves a line too many, never a key without one."""
        now = datetime.now(UTC).isoformat(timespec="seconds")
        limits = (key.scopes, key.may_speak_for, key.blind, key.expires)
        KeysLog(self.path).append(KeyChange(now, current_user(), event, key.name, key.person, *limits))

    def _write(self, keys: Sequence[Key]) -> None:
        write_json(self.path, [asdict(key) for key in keys], mode=0o640)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the file: a key that another process makes at the same time is not lost."""
        make_folder(self.path.parent)
        with DISK.lock(self.path.with_name(f".{self.path.name}.lock")):
            yield


def match_key(keys: tuple[Key, ...], secret: str) -> Key | None:
    """Return the key with this secret, or None; takes as long for a wrong one as for a right one."""
    digest, result = digest_bytes(secret.encode("utf-8", "replace")), None
    for key in keys:
        if hmac.compare_digest(key.sha256, digest):
            result = key
    return result


def _key_of(row: dict[str, Any]) -> Key:
    return Key(**{**row, "scopes": tuple(row["scopes"]), "may_speak_for": tuple(row.get("may_speak_for", ()))})


def _check_name_and_scopes(name: str, scopes: Sequence[str]) -> None:
    if not NAME.fullmatch(name):
        raise UsageError(
            f"key name {name[:80]!r} is not allowed.", "Use lower-case letters, digits, '_' and '-'.", code="bad_name"
        )
    for scope in scopes:
        if scope not in SCOPES:
            raise UsageError(
                f"unknown scope {scope[:80]!r}.",
                f"{nearest(scope, SCOPES)} Scopes: {', '.join(SCOPES)}.".strip(),
                code="bad_scope",
            )


def _person(name: str) -> str:
    try:
        return normalise_name(name)
    except BadNameError as error:
        raise UsageError(
            f"{name[:80]!r} {error}.", "Write the person's name or mail address.", code="bad_name"
        ) from None
