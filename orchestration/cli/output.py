"""Output of the command: data on standard output, messages on standard error.

Add here formats that several commands print. Nothing else in the package writes to standard output.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

import typer

from orchestration.cli.session import Session

SCHEMA = 1
"""Version of the documents that `--json` prints; raised when a key is renamed or removed, never when one is added."""

_COLOURS = {"green": "32", "yellow": "33", "red": "31"}


def emit(text: str) -> None:
    """Write data to standard output. A reader that went away (`| head -1`) ends the command with 0."""
    try:
        print(text, flush=True)  # noqa: T201 - this is the command's data
    except BrokenPipeError:
        abandon_output()
        raise typer.Exit(0) from None


def abandon_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush cannot fail either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def hush() -> None:
    """Point standard error at nothing, since libraries still print while the interpreter ends."""
    sys.stderr.flush()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def emit_json(document: Mapping[str, Any]) -> None:
    """Write one JSON document, schema number first."""
    content = {"schema": SCHEMA, **document}
    emit(json.dumps(content, indent=2, ensure_ascii=not is_unicode(sys.stdout), allow_nan=False, default=str))


def is_unicode(stream: TextIO) -> bool:
    """True where `stream` can hold every character; JSON for another one is written in ASCII."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().replace("_", "-") in ("utf-8", "utf8")


def say(session: Session, line: str) -> None:
    """Print a message on standard error, unless `--quiet`."""
    if not session.quiet:
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - this is the command's message


def paint(session: Session, word: str, colour: str, *, bold: bool = False) -> str:
    """Return `word`, coloured where standard output wants colour."""
    style = f"1;{_COLOURS[colour]}" if bold else _COLOURS[colour]
    return f"\x1b[{style}m{word}\x1b[0m" if session.colored(sys.stdout) else word


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as aligned columns under their names; numbers to the right, control characters as `?`."""
    if not rows:
        return "(none)"
    names = list(rows[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    right = [{type(row[name]) for row in rows} - {type(None)} <= {int, float} for name in names]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in cells
    )


def printable(text: str) -> str:
    """Return `text` with every control character as `?`, so that data cannot control the terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else printable(str(value))
