"""History of the gateway's keys, `keys_log.jsonl` of a home: who made, changed or revoked which one, append-only.

It holds no secret and no digest of one. Its lines are not signed, since a key is made by users who need not be able to
sign; `ratchet log` says so, and names keys that no line tells of. Add here a fact about a change of a key.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from ratchet.core.errors import RatchetError
from ratchet.core.files import append_line, read_if_there, whole_lines
from ratchet.core.filesystem import DISK, FileSystem

KeyEvent = Literal["made", "changed", "revoked"]
_NAME = "keys_log.jsonl"


@dataclass(frozen=True)
class KeyChange:
    """One change of one key, with its holder and scopes after it; for `revoked` those that it had."""

    ts: str
    actor: str
    event: KeyEvent
    key: str
    person: str
    scopes: tuple[str, ...] = ()
    may_speak_for: tuple[str, ...] = ()
    """Other people whose corrections it may bring."""
    blind: bool = False
    """True where its corrections may count as blind."""
    expires: str = ""

    def describe(self) -> str:
        """Return the key, its holder and all that it may, in one line."""
        rights = [f"may {', '.join(self.scopes)}"]
        rights += [f"speaks for {', '.join(self.may_speak_for)}"] if self.may_speak_for else []
        rights += ["blind"] if self.blind else []
        rights += [f"until {self.expires}"] if self.expires else []
        return f"key {self.key} of {self.person}, {'; '.join(rights)}"


@dataclass(frozen=True)
class KeysLog:
    """The history beside the file of keys at `keys`."""

    keys: Path
    disk: FileSystem = DISK

    @property
    def path(self) -> Path:
        """Place of the history."""
        return self.keys.with_name(_NAME)

    def append(self, change: KeyChange) -> None:
        """Add a line, durable when this returns. Call it under the lock of the keys, before the keys are written."""
        append_line(self.path, json.dumps(asdict(change), ensure_ascii=False), self.disk)

    def read(self) -> list[KeyChange]:
        """Read every change, oldest first; raises `RatchetError` for a line that is not one."""
        changes = []
        for number, line in enumerate(whole_lines(read_if_there(self.path, self.disk) or b""), start=1):
            try:
                row = json.loads(line)
                lists = {name: tuple(row.get(name, ())) for name in ("scopes", "may_speak_for")}
                changes.append(KeyChange(**{**row, **lists}))
            except (ValueError, TypeError, KeyError, AttributeError):
                raise RatchetError(
                    f"{self.path} line {number} is not a change of a key.",
                    "It was edited or damaged: restore it from a backup.",
                    code="bad_keys_log",
                ) from None
        return changes


def names_without_entry(names: Sequence[str], changes: Sequence[KeyChange]) -> list[str]:
    """Return the keys that exist though the newest line on them does not say so, in the order of `names`."""
    newest = {change.key: change.event for change in changes}
    return [name for name in names if newest.get(name, "revoked") == "revoked"]
