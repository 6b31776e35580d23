"""Errors of the operating system, by number and by the wording of each library, as one sentence with path and fix."""

import errno
import os
from pathlib import Path

import pytest

from ratchet.core.system_errors import explain_fault, find_fault, read_fault

HOME = Path("/srv/ratchet")
NUMBERS = {
    errno.EACCES: "lacks the right",
    errno.EPERM: "lacks the right",
    errno.EROFS: "its file system is read-only",
    errno.ENOSPC: "the disk, or this user's quota, is full",
    errno.EDQUOT: "the disk, or this user's quota, is full",
    errno.EMFILE: "may open no more",
    errno.ENFILE: "may open no more",
    errno.EIO: "reports an input/output error",
}
WORDINGS = {
    'IO Error: Cannot open file "/srv/ratchet/tickets/warehouse.duckdb": Permission denied': (errno.EACCES, True),
    'IO Error: Could not write file "/srv/ratchet/a.parquet": No space left on device': (errno.ENOSPC, True),
    'IO Error: Cannot open file "/srv/ratchet/a.parquet": Read-only file system': (errno.EROFS, True),
    "(sqlite3.OperationalError) attempt to write a readonly database": (errno.EROFS, False),
    "(sqlite3.OperationalError) database or disk is full": (errno.ENOSPC, False),
    "(sqlite3.OperationalError) disk I/O error": (errno.EIO, False),
    "[Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device": (errno.ENOSPC, False),
    "Error while serializing: I/O error: No space left on device (os error 28)": (errno.ENOSPC, False),
    "PermissionError: [Errno 13] Permission denied: '/srv/ratchet/tickets/landing.jsonl'": (errno.EACCES, True),
    "OSError: [Errno 24] Too many open files: '/srv/ratchet/flags.json'": (errno.EMFILE, True),
    "OSError: [Errno 122] Disk quota exceeded": (errno.ENOSPC, False),
}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_one_sentence_with_the_path_and_the_fix(number: int) -> None:
    """Also below other exceptions; where no path is known, it is about the home."""
    for path in ("/srv/ratchet/tickets/ledger.jsonl", None):
        cause = OSError(number, os.strerror(number), path)
        wrapped = RuntimeError("the stage failed")
        wrapped.__cause__ = cause
        for error in (cause, wrapped):
            fault = find_fault(error)
            assert fault is not None
            found = explain_fault(fault, HOME)
            assert found.message.startswith(path or str(HOME))
            assert NUMBERS[number] in found.message
            assert found.hint
            assert (found.exit_code, found.code, found.details["path"]) == (1, "system", path or str(HOME))


@pytest.mark.parametrize("text", WORDINGS)
def test_each_librarys_wording_is_known(text: str) -> None:
    """With its path, where the text holds one."""
    number, has_path = WORDINGS[text]
    fault = read_fault(text)
    assert fault is not None
    assert (fault.number, fault.path is not None) == (number, has_path)
    assert find_fault(ValueError(text)) == fault


@pytest.mark.parametrize("error", [ValueError("labels differ"), KeyError("Errno"), FileNotFoundError(2, "gone", "/a")])
def test_other_errors_are_none_of_these(error: Exception) -> None:
    """A bug stays a bug."""
    assert find_fault(error) is None


def test_a_rename_is_about_the_file_that_was_to_be_made() -> None:
    """And a write to an open file about the file, where the writer named it."""
    fault = find_fault(OSError(errno.EACCES, "denied", "/home/.a.tmp", None, "/home/a"))
    assert fault is not None
    assert fault.path == Path("/home/a")
