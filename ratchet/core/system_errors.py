"""Errors of the operating system as errors of the user: one sentence with the path, and how to fix it.

Libraries wrap them (DuckDB, SQLite, Arrow, safetensors, Dagster), so they are known by number or by their text. Add
here another number or wording; errors of our own are raised where they are met.
"""

import errno
import os
import pwd
import re
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.errors import RatchetError

DENIED, READ_ONLY, FULL, TOO_MANY, BROKEN = errno.EACCES, errno.EROFS, errno.ENOSPC, errno.EMFILE, errno.EIO
_SAME = {errno.EPERM: DENIED, errno.EDQUOT: FULL, errno.ENFILE: TOO_MANY}
_TEXTS: tuple[tuple[str, int], ...] = (
    (r"permission denied|\(os error 13\)|operation not permitted|access permission", DENIED),
    (r"read-only file ?system|readonly database|\(os error 30\)", READ_ONLY),
    (r"no space left on device|\(os error 28\)|database or disk is full|disk quota exceeded", FULL),
    (r"too many open files|\(os error 24\)", TOO_MANY),
    (r"input/output error|\(os error 5\)|disk i/o error", BROKEN),
)
_NUMBER = re.compile(r"\[errno (\d+)\]", re.IGNORECASE)
_PATH = re.compile(r"""["'](/[^"'\n]+)["']""")


@dataclass(frozen=True)
class SystemFault:
    """Number of an error of the operating system, and the path that it is about, if the error names one."""

    number: int
    path: Path | None


def find_fault(error: BaseException) -> SystemFault | None:
    """Return the fault behind an exception or one of its causes, or None if there is none that a user can fix."""
    for each in _causes(error):
        if isinstance(each, OSError) and (number := _SAME.get(each.errno or 0, each.errno or 0)) in _SENTENCES:
            return SystemFault(number, _path(each))
        if fault := read_fault(str(each)):
            return fault
    return None


def read_fault(text: str) -> SystemFault | None:
    """Return the fault that a message quotes, such as one that comes from another process; None if it quotes none."""
    numbered, named = _NUMBER.search(text), _PATH.search(text)
    number = int(numbered[1]) if numbered else 0
    number = _SAME.get(number, number)
    if number not in _SENTENCES:
        number = next((number for wording, number in _TEXTS if re.search(wording, text, re.IGNORECASE)), 0)
    return SystemFault(number, Path(named[1]) if named else None) if number else None


def explain_fault(fault: SystemFault, home: Path) -> RatchetError:
    """Return the sentence for the user; where the fault names no path, it is about `home`."""
    path = fault.path or home
    message, hint = _SENTENCES[fault.number]
    facts = {
        "path": path,
        "does": _verb(path),
        "user": _name_of(os.geteuid()),
        "place": _lacking(path),
        "owner": _owner_of(_lacking(path)),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }
    details = {"errno": errno.errorcode[fault.number], "path": str(path)}
    return RatchetError(message.format(**facts), hint.format(**facts), code="system", details=details)


def hint_for(error: OSError) -> str:
    """Return how to fix an error on one file, for a message that names the file itself."""
    fault = find_fault(error)
    return explain_fault(fault, Path(error.filename or "/")).hint if fault else "See what lies there, and who owns it."


_SENTENCES = {
    DENIED: (
        "{path} cannot be {does}: user {user} lacks the right.",
        "Run this as {owner}, who owns {place}, or let {owner} give the right with chmod or chgrp.",
    ),
    READ_ONLY: (
        "{path} cannot be written: its file system is read-only.",
        "Mount it writable ('mount -o remount,rw'), or give a home elsewhere with --home.",
    ),
    FULL: (
        "{path} cannot be written: the disk, or this user's quota, is full.",
        "Make room, then repeat it: 'df -h {place}' shows the disk; training/, trials/ and dagster/ are expendable.",
    ),
    TOO_MANY: (
        "{path} cannot be opened: this process has {files} files open and may open no more.",
        "Raise the limit ('ulimit -n 4096'), then repeat it.",
    ),
    BROKEN: (
        "{path} cannot be read or written: the disk reports an input/output error.",
        "Look at the kernel's log ('dmesg'); restore the file from a backup, or the home onto another disk.",
    ),
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _path(error: OSError) -> Path | None:
    # of a rename both names are known, and the second one is the file that was to be made
    name = error.filename2 or error.filename
    if isinstance(name, int) or not name:
        fault = _PATH.search(str(error))
        return Path(fault[1]) if fault else None
    return Path(os.fsdecode(name))


def _lacking(path: Path) -> Path:
    """Return what lacks the right: the path, or else the nearest folder above it that exists and may not be used."""
    for each in (path, *path.parents):
        try:
            each.lstat()
        except OSError:
            continue
        return each
    return path


def _verb(path: Path) -> str:
    return "read" if os.path.lexists(path) and not os.access(path, os.R_OK) else "written"


def _owner_of(path: Path) -> str:
    try:
        return _name_of(path.stat().st_uid)
    except OSError:
        return "its owner"


def _name_of(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"number {user}"
