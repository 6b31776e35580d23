"""Signed, chained, append-only files under `review/`, as the quarantine is one: suspensions and label rules.

A signed checkpoint vouches for the newest line, so that a cut end is seen. Add here how such lines are written and
read; each file gives them their meaning in a module of its own, as `suspensions.py` does.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import append_line, make_folder, read_if_there, whole_lines, write_atomically
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.rollout.ledger_entry import Head
from ratchet.rollout.signatures import is_signed, read_checkpoint, sign, write_checkpoint
from ratchet.storage.home import Home
from ratchet.storage.reserved_space import with_reserve
from ratchet.storage.rollout.signing_key import signing_key, trusted_key

GENESIS = "0" * 64


@dataclass(frozen=True)
class SignedLine:
    """One line: who wrote it and when, and its content as JSON types."""

    sequence: int
    ts: str
    """RFC 3339, UTC: for people; the order is that of `sequence`."""
    actor: str
    content: Mapping[str, Any]
    previous: str
    """Digest of the line before."""

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the line; it is signed, and the next line repeats it as `previous`."""
        return digest_json({name: getattr(self, name) for name in self.__dataclass_fields__})


@dataclass(frozen=True)
class SignedLines:
    """The file `review/<stem>.jsonl` of one classifier. The key that is trusted is that of the ledgers."""

    home: Home
    classifier: str
    stem: str
    """Name of the file, and the kind of thing that is signed: `suspensions`, `label_rules`."""
    disk: FileSystem = DISK

    @property
    def path(self) -> Path:
        """The file of the lines."""
        return self.home.review(self.classifier) / f"{self.stem}.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The signed note on the newest line."""
        return self.path.with_name(f"{self.stem}_checkpoint.txt")

    def read(self) -> list[SignedLine]:
        """Read every line, oldest first; a torn tail (crash while appending) is left out.

        Raises `RatchetError` for a line that was edited, is not signed or does not continue the chain, and for lines
        that are missing at the end.
        """
        anchor = self._anchor()  # before the lines: it never vouches for more than the file holds
        found = whole_lines(read_if_there(self.path, self.disk) or b"")
        key, lines = trusted_key(self.home, self.disk) if found else None, list[SignedLine]()
        for number, raw in enumerate(found, start=1):
            try:
                document: dict[str, Any] = json.loads(raw)
                claimed, signature = document.pop("digest"), document.pop("signature")
                line = SignedLine(**document)
                whole = line.digest == claimed and isinstance(line.content, dict)
            except (ValueError, KeyError, TypeError, AttributeError):
                raise self.broken(f"line {number} cannot be read") from None
            previous = lines[-1].digest if lines else GENESIS
            if not whole or line.previous != previous or line.sequence != number:
                raise self.broken(f"line {number} does not continue the chain")
            if key is None or not is_signed(key, self._origin, claimed, str(signature)):
                raise self.broken(f"line {number} is not signed with this home's key")
            lines.append(line)
        if anchor is not None and anchor.sequence > len(lines):
            raise self.broken(f"holds {len(lines)} lines, but the signed checkpoint vouches for {anchor.sequence}")
        if anchor is not None and anchor.sequence and lines[anchor.sequence - 1].digest != anchor.digest:
            raise self.broken(f"holds another line {anchor.sequence} than the signed checkpoint vouches for")
        return lines

    def append(
        self, actor: str, decide: Callable[[Sequence[SignedLine]], Mapping[str, Any] | None]
    ) -> SignedLine | None:
        """Append the content that `decide` returns for the lines so far; None where it returns none.

        One process at a time decides and writes; the line is durable on return.
        """
        make_folder(self.path.parent, self.disk)
        with self.disk.lock(self.path.with_name(f".{self.stem}.lock")):
            secret, lines = signing_key(self.home, self.disk), self.read()
            content = decide(lines)
            if content is None:
                return None
            now, previous = datetime.now(UTC).isoformat(timespec="seconds"), lines[-1].digest if lines else GENESIS
            line = SignedLine(len(lines) + 1, now, actor, content, previous)
            signature = sign(secret, self._origin, line.digest)
            document = {**vars(line), "digest": line.digest, "signature": signature}
            raw = json.dumps(document, ensure_ascii=False, allow_nan=False)
            failpoint("signed_lines.before_line")
            with_reserve(self.home.ballast, lambda: append_line(self.path, raw, self.disk))
            failpoint("signed_lines.before_checkpoint")
            note = write_checkpoint(secret, self._origin, Head(line.sequence, line.digest))
            with_reserve(self.home.ballast, lambda: write_atomically(self.checkpoint, note.encode(), disk=self.disk))
            return line

    @property
    def _origin(self) -> str:
        return f"{self.stem}/{self.classifier}"

    def _anchor(self) -> Head | None:
        note = read_if_there(self.checkpoint, self.disk)
        if note is None:
            return None
        key = trusted_key(self.home, self.disk)
        head = read_checkpoint(key, self._origin, note.decode("utf-8", "replace"))
        if head is None:
            raise RatchetError(
                f"{self.checkpoint} is not signed with this home's key.", "Restore it from a backup.",
                code=f"broken_{self.stem}",
            )  # fmt: skip
        return head

    def broken(self, what: str) -> RatchetError:
        """Return the error of a file that cannot be believed."""
        return RatchetError(
            f"{self.path} {what}.",
            "It was edited or damaged: restore it and its checkpoint from a backup; no cycle runs until then.",
            code=f"broken_{self.stem}",
        )
