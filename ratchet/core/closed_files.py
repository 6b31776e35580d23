"""Files that a process never opens: keys of the home, closed before a training begins.

Where the kernel allows a view of the file system of its own, the files are not there for this process and all that it
starts, native code included; elsewhere Python's own calls are refused. Add here another file that no training needs.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

KEYS = ("gate_key.pem", "signing_key.pem", "request_ids.secret")
"""Names of the private files of a home."""
_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000  # flags of unshare(2)
_BIND, _PRIVATE_BELOW = 0x1000, 0x40000 | 0x4000  # flags of mount(2)
_EVENTS = frozenset({"open", "os.link", "os.rename", "os.symlink", "os.truncate", "shutil.copyfile"})


def close_keys(folder: Path) -> bool:
    """Close the keys in the folders above `folder`, for good; return True where the kernel hides those that exist.

    Call it first, while there is one thread.
    """
    places = [parent / name for parent in folder.resolve().parents for name in KEYS]
    sys.addaudithook(partial(_refuse, frozenset(map(str, places))))
    return _hide([place for place in places if place.is_file()])


def _refuse(closed: frozenset[str], event: str, details: tuple[Any, ...]) -> None:
    if event not in _EVENTS or not details or not isinstance(details[0], str | bytes | os.PathLike):
        return
    path = os.fsdecode(details[0])
    if os.path.basename(path) in KEYS or os.path.realpath(path) in closed:  # noqa: PTH119 - an open path costs less
        raise PermissionError(f"a training opens no key of the home: {path}")


def _hide(files: Sequence[Path]) -> bool:
    """Put an empty file in the place of each, for this process alone; False where the kernel does not allow it."""
    if not sys.platform.startswith("linux") or not files:
        return False
    child = os.fork()  # a failure halfway would leave a process without its user, so another one tries
    if child == 0:
        try:
            done = _mount_over(files)
        finally:
            os._exit(0 if done else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 and _mount_over(files)


def _mount_over(files: Sequence[Path]) -> bool:
    libc, user, group = ctypes.CDLL(None, use_errno=True), os.geteuid(), os.getegid()
    mine = 0 if user == 0 else _NEW_USER  # root keeps its rights on the files of others
    if libc.unshare(_NEW_MOUNTS | mine) != 0:
        return False
    if mine:
        try:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        except OSError:
            return False
    if libc.mount(None, b"/", None, _PRIVATE_BELOW, None) != 0:
        return False
    return all(libc.mount(b"/dev/null", os.fsencode(file), None, _BIND, None) == 0 for file in files)
