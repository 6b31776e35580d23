"""Keys of the gateway in `keys.json` of a home: only their digests, with the scopes and the rate of each.

A key is 256 random bits, so its plain SHA-256 cannot be reversed. Add a scope to `SCOPES`; each route of the gateway
names the scope that it requires.
"""

import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from ratchet.core.digests import digest_bytes
from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.files import write_json
from ratchet.core.names import NAME, nearest

SCOPES = ("classify", "feedback", "annotate", "admin")
_PREFIX = "rk_"


@dataclass(frozen=True)
class Key:
    """One key: its holder, the digest of its secret, its scopes, and its requests per minute (0: no limit)."""

    name: str
    sha256: str
    scopes: tuple[str, ...]
    per_minute: int = 0


@dataclass(frozen=True)
class Keys:
    """The keys in the file at `path`; a missing file holds none."""

    path: Path

    def read(self) -> tuple[Key, ...]:
        """Read every key; raises `RatchetError` for a file that is not valid."""
        if not self.path.exists():
            return ()
        try:
            rows = json.loads(self.path.read_bytes())
            if not isinstance(rows, list):
                raise TypeError
            return tuple(Key(**{**row, "scopes": tuple(row["scopes"])}) for row in rows)
        except (ValueError, TypeError, KeyError):
            raise RatchetError(
                f"{self.path} is not a list of keys.", "Restore it, or remove it and make new keys.", code="bad_keys"
            ) from None

    def add(self, name: str, scopes: tuple[str, ...], per_minute: int = 0) -> str:
        """Make a key called `name` and return its secret, which is stored nowhere. A key of that name is replaced."""
        if not NAME.fullmatch(name):
            raise UsageError(
                f"key name {name[:80]!r} is not allowed.",
                "Use lower-case letters, digits, '_' and '-'.",
                code="bad_name",
            )
        for scope in scopes:
            if scope not in SCOPES:
                raise UsageError(
                    f"unknown scope {scope[:80]!r}.",
                    f"{nearest(scope, SCOPES)} Scopes: {', '.join(SCOPES)}.".strip(),
                    code="bad_scope",
                )
        secret = _PREFIX + secrets.token_urlsafe(32)
        kept = [key for key in self.read() if key.name != name]
        made = Key(name, digest_bytes(secret.encode()), tuple(dict.fromkeys(scopes)), per_minute)
        write_json(self.path, [asdict(key) for key in [*kept, made]], mode=0o600)
        return secret


def match_key(keys: tuple[Key, ...], secret: str) -> Key | None:
    """Return the key with this secret, or None; takes as long for a wrong one as for a right one."""
    digest, result = digest_bytes(secret.encode("utf-8", "replace")), None
    for key in keys:
        if hmac.compare_digest(key.sha256, digest):
            result = key
    return result
