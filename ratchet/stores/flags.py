"""The flag file `flags.json` of a home: what serves, for every classifier, in flagd's own format.

One writer at a time, which must say which generation it has seen (compare-and-swap); a file is validated before it is
published, and published whole. Flags that are not ours are kept as they are. Add here how the file is kept; what a flag of
ours says is `ratchet/rollout.py`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ratchet.errors import RatchetError
from ratchet.failpoints import failpoint
from ratchet.files import read_if_there, write_json
from ratchet.filesystem import DISK, FileSystem
from ratchet.rollout import SCHEMA, Rollout, read_flag
from ratchet.stores.home import Home

_FLAG_SET = "ratchet"


@dataclass(frozen=True)
class FlagSet:
    """A whole flag file. `generation` grows by one with every publication; 0 is a home without flags."""

    generation: int = 0
    rollouts: Mapping[str, Rollout] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Flags:
    """The flags of a home."""

    home: Home
    disk: FileSystem = DISK

    def read(self) -> FlagSet:
        """What is published now; raises `RatchetError` for a file that is not whole or not valid."""
        path = self.home.flags
        content = read_if_there(path, self.disk)
        if content is None:
            return FlagSet()
        try:
            return parse_flags(json.loads(content), self.home.classifiers())
        except (ValueError, RecursionError) as error:
            raise RatchetError(
                f"{path} is no JSON ({error}).", "Run 'ratchet doctor'; it follows from the ledger.", code="bad_flags"
            ) from None

    def publish(self, classifier: str, rollout: Rollout, *, seen: int) -> FlagSet:
        """Replace the flag of `classifier`; raises `RatchetError` when the file is no longer of generation `seen`."""
        with self.disk.lock(self.home.root / ".flags.lock"):
            before = self.read()
            if before.generation != seen:
                raise RatchetError(
                    f"flags.json is of generation {before.generation}, not {seen}: someone else published meanwhile.",
                    "Look at 'ratchet status' and decide again.",
                    code="flags_changed",
                )
            metadata = {**before.document.get("metadata", {}), "flagSetId": _FLAG_SET, "generation": seen + 1}
            flags = {**before.document.get("flags", {}), classifier: rollout.as_flag()}
            document = {"$schema": SCHEMA, **before.document, "metadata": metadata, "flags": flags}
            after = parse_flags(document, self.home.classifiers())
            failpoint("flags.before_write")
            write_json(self.home.flags, document, disk=self.disk)
            failpoint("flags.after_write")
        return after


def parse_flags(document: Any, classifiers: list[str]) -> FlagSet:
    """The flag set of a decoded file, with the rollouts of `classifiers`; raises `RatchetError` for what is not valid."""
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
        "Run 'ratchet doctor'; it follows from the ledger.",
        code="bad_flags",
    )
