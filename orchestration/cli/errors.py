"""How the command says that something went wrong: one sentence, its cure, and with `--json` one document.

Add here other forms of the same error; which errors there are is `ratchet/core/errors.py`.
"""

import sys
import traceback
from collections.abc import Sequence

import typer

from orchestration.cli import output
from ratchet.core.errors import RatchetError, UsageError


def describe_crash(error: Exception) -> RatchetError:
    """What nobody foresaw, as one sentence."""
    said = str(error).strip()
    result = output.printable(f"{type(error).__name__}: {said.splitlines()[0] if said else 'no message'}")
    return RatchetError(
        f"something unexpected happened ({result[:300]}).", "Repeat it with --debug to see the traceback.", code="crash"
    )


def print_error(error: RatchetError, words: Sequence[str]) -> int:
    """Say the error once, in the way that the command line `words` asks for, and return its exit code."""
    if "--debug" in words:
        traceback.print_exc()
    if "--json" in words:
        try:
            output.emit_json(error.as_json())
        except typer.Exit:
            return error.exit_code
    hint = "\nhint: " + output.printable(error.hint) if error.hint else ""
    prefix = "blocked: " if error.exit_code == 2 and not isinstance(error, UsageError) else "error: "
    print(f"{prefix}{output.printable(error.message)}{hint}", file=sys.stderr)  # noqa: T201 - the command's talk
    return error.exit_code
