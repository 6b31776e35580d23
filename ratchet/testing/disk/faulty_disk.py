"""Disk in memory that loses power, or fills up, at any operation.

Part of the product, so that every new store can be crashed at every operation: run it on a `FaultyDisk` with
`crash_at=n`, take `after(...)` and check what is left. Add here other ways in which a disk fails; what survives a
failure is decided in `ratchet/testing/disk/power_loss.py`, the verbs are defined in `ratchet/core/filesystem.py`.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

from ratchet.testing.disk.power_loss import File, Folder, Survival, kept, survive


class PowerLossError(BaseException):
    """The power is gone; not an `Exception`, so that the code under test cannot catch it by accident."""


class FaultyDisk:
    """A `FileSystem` in memory. `operations` counts the changing verbs so far.

    At verb number `crash_at` the power goes: that verb may or may not take effect, and none after it does. The verbs
    numbered in `full` fail with ENOSPC after half of what they had to write; the fsyncs numbered in `broken` fail with
    EIO, and what they had to make durable is lost, although it can still be read.
    """

    def __init__(
        self, crash_at: int = 0, full: range = range(0), broken: range = range(0), root: Folder | None = None
    ) -> None:
        self.crash_at, self.full, self.broken = crash_at, full, broken
        self.operations, self.dead = 0, False
        self._root = root or Folder()

    def after(self, survival: Survival | None = None, *, crash_at: int = 0) -> "FaultyDisk":
        """Copy of the disk for the next process: after a power loss with `survival`, or after kill -9 without it."""
        return FaultyDisk(crash_at, root=survive(self._root, survival) if survival else deepcopy(self._root))

    def prepared(self, *folders: Path) -> "FaultyDisk":
        """Make folders and their parents, all durable. Returns itself."""
        for path in folders:
            node = self._root
            for part in path.parts:
                child = node.names.setdefault(part, Folder())
                node.durable[part] = child
                node = _folder(child, path)
        return self

    # The verbs, as `FileSystem` describes them.

    def create(self, path: Path, content: bytes = b"", mode: int = 0o666) -> None:
        """Create a file."""
        folder, name = self._place(path)
        if name in folder.names:
            raise FileExistsError(errno.EEXIST, "it exists", str(path))
        file = File()
        with self._operation(grows=True) as share:
            folder.change({name: file})
            _write(file, content[: int(len(content) * share)], 0)

    def append(self, path: Path, content: bytes, at: int) -> None:
        """Write bytes behind the first `at`; whatever was there is cut off."""
        file = self._file(path)
        with self._operation(grows=bool(content)) as share:
            _write(file, content[: int(len(content) * share)], at)

    def fsync(self, path: Path) -> None:
        """Make a file's cached content durable."""
        file = self._file(path)
        with self._operation(syncs=True) as share:
            if share == 1:
                file.durable = kept(file.durable, file.pending)
            file.pending.clear()

    def replace(self, source: Path, target: Path) -> None:
        """Rename a file within its folder."""
        folder, name = self._place(source)
        if source.parent != target.parent or name not in folder.names:
            raise FileNotFoundError(errno.ENOENT, "no such file in the folder of the new name", str(source))
        with self._operation():
            folder.change({name: None, target.name: folder.names[name]})

    def fsync_dir(self, folder: Path) -> None:
        """Make the names in a folder durable."""
        node = self._folder_at(folder)
        with self._operation(syncs=True) as share:
            if share == 1:
                node.durable = dict(node.names)
                node.pending.clear()

    def read(self, path: Path) -> bytes:
        """Read the cached content, as the process sees it."""
        return self._file(path).cached

    def list(self, folder: Path) -> list[str]:
        """List the names in a folder, as the process sees them; empty where it is missing."""
        try:
            return sorted(self._folder_at(folder).names)
        except FileNotFoundError:
            return []

    def unlink(self, path: Path) -> None:
        """Remove a name, if it exists."""
        folder, name = self._place(path)
        if name in folder.names:
            with self._operation():
                folder.change({name: None})

    def mkdir(self, folder: Path) -> None:
        """Create a folder."""
        parent, name = self._place(folder)
        if name in parent.names:
            raise FileExistsError(errno.EEXIST, "it exists", str(folder))
        with self._operation(grows=True) as share:
            if share == 1:
                parent.change({name: Folder()})

    @contextmanager
    def lock(self, path: Path, *, wait: bool = True) -> Iterator[None]:
        """Do nothing: only one process at a time uses this disk."""
        yield

    @contextmanager
    def _operation(self, *, grows: bool = False, syncs: bool = False) -> Iterator[float]:
        """Count one changing verb, and fail it if it is due; gives the share of it that takes effect."""
        if self.dead:
            raise PowerLossError
        self.operations += 1
        if self.operations == self.crash_at:
            self.dead = True
            if not syncs:
                yield 1
            raise PowerLossError
        if grows and self.operations in self.full:
            yield 0.5
            raise OSError(errno.ENOSPC, "no space left on device")
        if syncs and self.operations in self.broken:
            yield 0
            raise OSError(errno.EIO, "input/output error")
        yield 1

    def _place(self, path: Path) -> tuple[Folder, str]:
        return self._folder_at(path.parent), path.name

    def _folder_at(self, path: Path) -> Folder:
        if self.dead:
            raise PowerLossError
        node: File | Folder = self._root
        for part in path.parts:
            result = _folder(node, path).names.get(part)
            if result is None:
                raise FileNotFoundError(errno.ENOENT, "no such folder", str(path))
            node = result
        return _folder(node, path)

    def _file(self, path: Path) -> File:
        folder, name = self._place(path)
        result = folder.names.get(name)
        if not isinstance(result, File):
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return result


def _folder(node: "File | Folder", path: Path) -> Folder:
    if not isinstance(node, Folder):
        raise NotADirectoryError(errno.ENOTDIR, "a file stands in the way", str(path))
    return node


def _write(file: File, content: bytes, at: int) -> None:
    file.pending.append((at, content))
    file.cached = file.cached[:at].ljust(at, b"\0") + content
