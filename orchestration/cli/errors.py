"""Errors as the command prints them: one sentence, a hint, and with `--json` one document.

Add here other forms of the same error; which errors there are is `ratchet/core/errors.py`.
"""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import typer

from orchestration.cli import output
from ratchet.core.errors import RatchetError, UsageError
from ratchet.core.system_errors import explain_fault, find_fault


def describe_crash(error: Exception, home: Path) -> RatchetError:
    """Return an unexpected exception as an error of one sentence; one of the operating system with its path and fix."""
    if fault := find_fault(error):
        return explain_fault(fault, home)
    if isinstance(error, OSError) and error.filename and error.strerror:
        return RatchetError(
            f"{output.printable(str(error.filename))} cannot be used: {error.strerror}.",
            "Look at this path; --debug shows where it was needed.",
            code="system",
        )
    lines = str(error).strip().splitlines()
    reason = output.printable(f"{type(error).__name__}: {lines[0] if lines else 'no message'}")
    return RatchetError(
        f"something unexpected happened ({reason[:300]}).", "Repeat it with --debug to see the traceback.", code="crash"
    )


def print_error(error: RatchetError, words: Sequence[str]) -> int:
    """Print the error once, in the form that the command line `words` asks for, and return its exit code."""
    if "--debug" in words:
        traceback.print_exc()
    if "--json" in words:
        try:
            output.emit_json(error.as_json())
        except typer.Exit:
            return error.exit_code
    hint = "\nhint: " + output.printable(error.hint) if error.hint else ""
    prefix = "blocked: " if error.exit_code == 2 and not isinstance(error, UsageError) else "error: "
    print(f"{prefix}{output.printable(error.message)}{hint}", file=sys.stderr)  # noqa: T201 - the command's message
    return error.exit_code
