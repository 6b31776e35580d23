"""Signed, chained, append-only lines with a signed checkpoint, as the quarantine, suspensions and label rules have.

A line repeats the digest of the one before; the checkpoint vouches for the newest line, so that a cut end is seen. Add
here how such lines are written and read; each file gives them their meaning in a module of its own.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from ratchet.core.errors import RatchetError
from ratchet.core.files import append_line, read_if_there, whole_lines, write_atomically
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.rollout.ledger_entry import GENESIS, Head
from ratchet.rollout.signatures import is_signed, read_checkpoint, sign, write_checkpoint
from ratchet.storage.home import Home
from ratchet.storage.reserved_space import with_reserve
from ratchet.storage.rollout.signing_key import signing_key, trusted_key


class ChainedLine(Protocol):
    """Line of a chain: a frozen dataclass, whose fields are its JSON."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def sequence(self) -> int:
        """Number of the line, from 1."""

    @property
    def previous(self) -> str:
        """Digest of the line before."""

    @property
    def digest(self) -> str:
        """SHA-256 of the line, which is signed."""


Line = TypeVar("Line", bound=ChainedLine)


@dataclass(frozen=True)
class SignedChain(Generic[Line]):
    """Lines of the file `path`. The key that is trusted is that of the ledgers (`home.trust`)."""

    home: Home
    path: Path
    line: Callable[..., Line]
    """Makes a line of its fields."""
    is_valid: Callable[[Line], bool]
    """False for a line that this file never holds."""
    signed_as: str
    """Kind of what a line's signature is for."""
    origin: str
    """Origin that the checkpoint names."""
    broken: Callable[[Path, str], RatchetError]
    """Makes the error of a file that cannot be believed."""
    before_line: Callable[[], None]
    before_checkpoint: Callable[[], None]
    """Failpoints of this file."""
    disk: FileSystem = DISK

    @property
    def checkpoint(self) -> Path:
        """The signed note on the newest line."""
        return self.path.with_name(f"{self.path.stem}_checkpoint.txt")

    def read(self) -> list[Line]:
        """Read every line, oldest first; a torn tail (crash while appending) is left out.

        Raises `RatchetError` for a line that was edited, is not signed or does not continue the chain, and for lines
        that are missing at the end.
        """
        anchor = self._anchor()  # before the lines: it never vouches for more than the file holds
        found = whole_lines(read_if_there(self.path, self.disk) or b"")
        key, lines = trusted_key(self.home, self.disk) if found else None, list[Line]()
        for number, raw in enumerate(found, start=1):
            try:
                document: dict[str, Any] = json.loads(raw)
                claimed, signature = document.pop("digest"), document.pop("signature")
                line = self.line(**document)
                whole = line.digest == claimed and self.is_valid(line)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise self.broken(self.path, f"line {number} cannot be read") from None
            if not whole or line.previous != digest_after(lines) or line.sequence != number:
                raise self.broken(self.path, f"line {number} does not continue the chain")
            if key is None or not is_signed(key, self.signed_as, claimed, str(signature)):
                raise self.broken(self.path, f"line {number} is not signed with this home's key")
            lines.append(line)
        if anchor is not None:
            self._check_head(lines, anchor)
        return lines

    def append(self, make: Callable[[Sequence[Line]], Line | None]) -> Line | None:
        """Append the line that `make` returns for those so far, durable on return; None where it returns none.

        The caller holds the lock of the file.
        """
        secret, lines = signing_key(self.home, self.disk), self.read()
        line = make(lines)
        if line is None:
            return None
        content = {each.name: getattr(line, each.name) for each in fields(line)}
        signature = sign(secret, self.signed_as, line.digest)
        document = {**content, "digest": line.digest, "signature": signature}
        raw = json.dumps(document, ensure_ascii=False, allow_nan=False)
        self.before_line()
        with_reserve(self.home.ballast, lambda: append_line(self.path, raw, self.disk))
        self.before_checkpoint()
        note = write_checkpoint(secret, self.origin, Head(line.sequence, line.digest))
        with_reserve(self.home.ballast, lambda: write_atomically(self.checkpoint, note.encode(), disk=self.disk))
        return line

    def _anchor(self) -> Head | None:
        """Return the head that the checkpoint vouches for; None in a home of before, until its next line."""
        note = read_if_there(self.checkpoint, self.disk)
        if note is None:
            return None
        head = read_checkpoint(trusted_key(self.home, self.disk), self.origin, note.decode("utf-8", "replace"))
        if head is None:
            raise self.broken(self.checkpoint, "is not signed with this home's key")
        return head

    def _check_head(self, lines: Sequence[Line], head: Head) -> None:
        if head.sequence > len(lines):
            what = f"holds {len(lines)} lines, but the signed checkpoint vouches for {head.sequence}"
            raise self.broken(self.path, what)
        if head.sequence and lines[head.sequence - 1].digest != head.digest:
            raise self.broken(self.path, f"holds another line {head.sequence} than the signed checkpoint vouches for")


def digest_after(lines: Sequence[ChainedLine]) -> str:
    """Return what the line after `lines` repeats as `previous`."""
    return lines[-1].digest if lines else GENESIS
