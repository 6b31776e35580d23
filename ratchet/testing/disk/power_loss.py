"""Power loss: files and folders that are partly durable and partly cached, and what of them survives.

The result is as bad as on a real disk: data that was not synced is lost, torn, zeroed or written in scattered blocks,
and of the changes of names in a folder any number of the first ones survive. Add here other ways in which a disk
loses data; the disk that a store runs on is in `ratchet/testing/disk/faulty_disk.py`.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_BLOCK = 64
"""Bytes that are written to the disk as one. Smaller than on real disks, so that short lines are torn, too."""


@dataclass
class File:
    """Content of a file."""

    durable: bytes = b""
    cached: bytes = b""
    pending: list[tuple[int, bytes]] = field(default_factory=list)
    """Writes since the last sync: the length to which the file was cut, and the bytes appended."""


@dataclass
class Folder:
    """Names in a folder."""

    durable: dict[str, "File | Folder"] = field(default_factory=dict)
    names: dict[str, "File | Folder"] = field(default_factory=dict)
    pending: list[Mapping[str, "File | Folder | None"]] = field(default_factory=list)
    """Changes of names since the last sync, each of them atomic."""

    def change(self, change: Mapping[str, "File | Folder | None"]) -> None:
        """Set names, or remove those that are set to None: visible at once, durable later."""
        self.pending.append(change)
        apply(self.names, change)


@dataclass(frozen=True)
class Survival:
    """Rule for what survives of unsynced changes: how many of a folder's, and which of a file's bytes."""

    names: Callable[[int], int]
    data: Callable[[bytes, list[tuple[int, bytes]]], bytes]

    @classmethod
    def drawn(cls, seed: int) -> "Survival":
        """Draw a rule at random: anything that a disk may do, different for each folder and file."""
        draw = random.Random(seed)  # noqa: S311 - test data, guards nothing

        def data(durable: bytes, pending: list[tuple[int, bytes]]) -> bytes:
            return draw.choice([_lost, kept, _zeroed, _torn(draw), _scattered(draw)])(durable, pending)

        return cls(lambda count: draw.randint(0, count), data)


def kept(durable: bytes, pending: list[tuple[int, bytes]]) -> bytes:
    """Content after every write arrived; holes are zeros."""
    for at, content in pending:
        durable = durable[:at].ljust(at, b"\0") + content
    return durable


def _lost(durable: bytes, pending: list[tuple[int, bytes]]) -> bytes:
    return durable


def _zeroed(durable: bytes, pending: list[tuple[int, bytes]]) -> bytes:
    """Content where the new length is on the disk, but the new bytes are not."""
    length = len(kept(durable, pending))
    return durable[:length].ljust(length, b"\0")


def _torn(draw: random.Random) -> Callable[[bytes, list[tuple[int, bytes]]], bytes]:
    def tear(durable: bytes, pending: list[tuple[int, bytes]]) -> bytes:
        whole = draw.randint(0, len(pending))
        left = kept(durable, pending[:whole])
        for at, content in pending[whole : whole + 1]:
            left = left[:at].ljust(at, b"\0") + content[: draw.randint(0, len(content))]
        return left

    return tear


def _scattered(draw: random.Random) -> Callable[[bytes, list[tuple[int, bytes]]], bytes]:
    def scatter(durable: bytes, pending: list[tuple[int, bytes]]) -> bytes:
        new = kept(durable, pending)
        old = durable[: len(new)].ljust(len(new), b"\0")
        starts = range(0, len(new), _BLOCK)
        return b"".join((new if draw.random() < 0.5 else old)[at : at + _BLOCK] for at in starts)

    return scatter


OUTCOMES: Mapping[str, Survival] = {
    "nothing": Survival(lambda count: 0, _lost),
    "everything": Survival(lambda count: count, kept),
    "names only": Survival(lambda count: count, _lost),
    "names and lengths": Survival(lambda count: count, _zeroed),
    "data only": Survival(lambda count: 0, kept),
}
"""Extreme cases, for exhaustive runs; `Survival.drawn` gives everything between them."""


def apply(names: dict[str, "File | Folder"], change: Mapping[str, "File | Folder | None"]) -> None:
    """Change names in place."""
    for name, node in change.items():
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def survive(folder: Folder, survival: Survival) -> Folder:
    """State of `folder` after a power loss, all of it durable."""
    names = dict(folder.durable)
    for change in folder.pending[: survival.names(len(folder.pending))]:
        apply(names, change)
    left: dict[str, File | Folder] = {}
    for name, node in sorted(names.items()):
        if isinstance(node, Folder):
            left[name] = survive(node, survival)
        else:
            content = survival.data(node.durable, node.pending)
            left[name] = File(content, content)
    return Folder(dict(left), left)
