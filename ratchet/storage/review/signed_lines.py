"""Signed files under `review/`: suspensions and label rules. Each line is signed JSON with its writer and time.

The mechanism is that of the quarantine (`ratchet/storage/rollout/signed_chain.py`). Add here what all of these files
share; each gives its lines their meaning in a module of its own, as `suspensions.py` does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import make_folder
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.home import Home
from ratchet.storage.rollout.signed_chain import SignedChain, digest_after


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

    def read(self) -> list[SignedLine]:
        """Read every line, oldest first; raises `RatchetError` for a file that cannot be believed."""
        return self._chain.read()

    def append(
        self, actor: str, decide: Callable[[Sequence[SignedLine]], Mapping[str, Any] | None]
    ) -> SignedLine | None:
        """Append the content that `decide` returns for the lines so far; None where it returns none.

        One process at a time decides and writes; the line is durable on return.
        """

        def make(lines: Sequence[SignedLine]) -> SignedLine | None:
            content = decide(lines)
            if content is None:
                return None
            now = datetime.now(UTC).isoformat(timespec="seconds")
            return SignedLine(len(lines) + 1, now, actor, content, digest_after(lines))

        make_folder(self.path.parent, self.disk)
        with self.disk.lock(self.path.with_name(f".{self.stem}.lock")):
            return self._chain.append(make)

    @property
    def _chain(self) -> SignedChain[SignedLine]:
        origin = f"{self.stem}/{self.classifier}"
        return SignedChain(
            self.home, self.path, SignedLine, lambda line: isinstance(line.content, dict), signed_as=origin,
            origin=origin, broken=self._broken, before_line=lambda: failpoint("signed_lines.before_line"),
            before_checkpoint=lambda: failpoint("signed_lines.before_checkpoint"), disk=self.disk,
        )  # fmt: skip

    def _broken(self, path: Path, what: str) -> RatchetError:
        if path != self.path:
            return RatchetError(f"{path} {what}.", "Restore it from a backup.", code=f"broken_{self.stem}")
        return self.broken(what)

    def broken(self, what: str) -> RatchetError:
        """Return the error of a file that cannot be believed."""
        return RatchetError(
            f"{self.path} {what}.",
            "It was edited or damaged: restore it and its checkpoint from a backup; no cycle runs until then.",
            code=f"broken_{self.stem}",
        )
