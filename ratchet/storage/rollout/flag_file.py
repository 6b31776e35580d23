"""Flag file `flags.json` of a home: what serves, for every classifier, in flagd's own format.

One writer at a time, which must say which generation it has seen (compare-and-swap); a file is validated before it is
published, and published whole. Flags that are not ours are kept as they are. Add here how the file is kept; what a flag
of ours says is `ratchet/rollout/flag.py`.
"""

import errno
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import read_if_there, write_atomically, write_json
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.core.strict_json import parse_strictly
from ratchet.core.system_errors import hint_for
from ratchet.rollout.bucketing import BUCKETING
from ratchet.rollout.flag import SCHEMA, Rollout, read_flag
from ratchet.storage.home import Home
from ratchet.storage.reserved_space import with_reserve

FLAG_SET = "ratchet"
"""The `flagSetId` of the file."""
_PROBE_BYTES = 32 * 1024
"""Room for the flags of some twenty classifiers, and for an entry of the ledger."""


@dataclass(frozen=True)
class FlagSet:
    """Content of a flag file. `generation` grows by one with every publication; 0 is a home without flags."""

    generation: int = 0
    rollouts: Mapping[str, Rollout] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)

    def holds(self, classifier: str, rollout: Rollout) -> bool:
        """Return True where the flag of `classifier` is written exactly as `rollout` would be now."""
        return bool(self.document.get("flags", {}).get(classifier) == rollout.as_flag())


@dataclass(frozen=True)
class Flags:
    """The flags of a home."""

    home: Home
    disk: FileSystem = DISK

    def read(self) -> FlagSet:
        """Read what is published now; raises `RatchetError` for a file that is not whole or not valid."""
        path = self.home.flags
        try:
            content = read_if_there(path, self.disk)
        except OSError as error:
            raise RatchetError(
                f"{path} cannot be read ({error.strerror}).", hint_for(error), code="bad_flags"
            ) from None
        if content is None:
            return FlagSet()
        try:
            return parse_flags(parse_strictly(content), self.home.served())
        except (ValueError, RecursionError) as error:
            raise RatchetError(
                f"{path} is not strict JSON ({error}).",
                "'ratchet advance NAME' writes it anew from the ledger.",
                code="bad_flags",
            ) from None

    def read_sound(self) -> FlagSet:
        """Read what is published now; an empty set for a file that is damaged, which `publish` makes anew."""
        try:
            return self.read()
        except RatchetError:
            return FlagSet()

    def check_writable(self) -> None:
        """Raise OSError where a flag could not be written now, so that no entry of the ledger is left without its flag.

        On a full disk it frees the reserved space, as `publish` would.
        """
        probe = self.home.flags.with_name(f".{self.home.flags.name}.{os.getpid()}-{threading.get_ident()}.probe")
        if self.home.flags.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(self.home.flags))
        with suppress(FileNotFoundError):
            os.close(os.open(self.home.root / ".flags.lock", os.O_WRONLY))
        try:
            with_reserve(self.home.ballast, lambda: self._write_probe(probe))
        finally:
            self.disk.unlink(probe)

    def _write_probe(self, probe: Path) -> None:
        self.disk.unlink(probe)
        self.disk.create(probe, bytes(_PROBE_BYTES))
        self.disk.fsync(probe)  # some disks report only now that they are full

    def publish(self, classifier: str, rollout: Rollout, *, seen: int) -> FlagSet:
        """Replace the flag of `classifier`; raises `RatchetError` when the file is no longer of generation `seen`.

        A damaged file is kept beside it as `flags.json.damaged`; every classifier's flag follows from its ledger.
        """
        with self.disk.lock(self.home.root / ".flags.lock"):
            before = self.read_sound()
            if not before.generation:
                self._keep_damaged()
            if before.generation != seen:
                raise RatchetError(
                    f"flags.json is of generation {before.generation}, not {seen}: someone else published meanwhile.",
                    "Look at 'ratchet status' and decide again.",
                    code="flags_changed",
                )
            generation = max(seen, self.highest()) + 1
            ours = {
                "flagSetId": FLAG_SET,
                "version": str(generation),
                "generation": generation,
                "bucketing": BUCKETING,
            }
            metadata = {**before.document.get("metadata", {}), **ours}
            # all anew: the file's bucketing must not be taken for that of a rollout of before, which named none
            rollouts = {**before.rollouts, classifier: rollout}
            flags = {**before.document.get("flags", {}), **{name: each.as_flag() for name, each in rollouts.items()}}
            document = {"$schema": SCHEMA, **before.document, "metadata": metadata, "flags": flags}
            after = parse_flags(document, self.home.served())
            failpoint("flags.before_write")
            with_reserve(self.home.ballast, lambda: write_json(self.home.flags, document, disk=self.disk))
            failpoint("flags.after_write")
            with suppress(OSError):  # a full disk must not make a publication fail; the mark is one behind then
                write_atomically(self._mark, f"{generation:020d}".encode(), disk=self.disk)
        return after

    def highest(self) -> int:
        """Highest generation ever published here, which outlives a file that is lost or put back; 0 when nothing is
        known."""
        try:
            mark = read_if_there(self._mark, self.disk) or b""
        except OSError:
            return 0
        return int(mark) if mark.isdigit() and len(mark) == 20 else 0

    def _keep_damaged(self) -> None:
        with suppress(OSError):  # it may hold flags of others; a copy is worth less than the rollback
            if damaged := read_if_there(self.home.flags, self.disk):
                aside = self.home.flags.with_name(f"{self.home.flags.name}.damaged")
                write_atomically(aside, damaged, disk=self.disk)

    @property
    def _mark(self) -> Path:
        return self.home.root / ".flags.generation"


def parse_flags(document: Any, classifiers: list[str]) -> FlagSet:
    """Return the flag set of a decoded file, with the rollouts of `classifiers`; raises `RatchetError` for what is not
    valid."""
    if (
        not isinstance(document, dict)
        or not isinstance(document.get("flags"), dict)
        or not isinstance(document.get("metadata"), dict)
    ):
        raise _refuse("it holds no flags and metadata")
    generation = document["metadata"].get("generation")
    if not isinstance(generation, int) or isinstance(generation, bool) or generation < 1:
        raise _refuse(f"its generation is {generation!r}")
    rollouts = {name: read_flag(document["flags"][name]) for name in classifiers if name in document["flags"]}
    return FlagSet(generation, rollouts, document)


def _refuse(found: str) -> RatchetError:
    return RatchetError(
        f"flags.json is not a flag file of this home: {found}.",
        "'ratchet advance NAME' writes it anew from the ledger.",
        code="bad_flags",
    )
