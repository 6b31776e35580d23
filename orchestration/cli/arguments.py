"""Arguments of the command line, before and after Typer reads them.

Add here what Typer lacks: common options at any position, and its errors in the form of ours.
"""

import os
from collections.abc import Sequence
from pathlib import Path

import typer

from ratchet.core.errors import RatchetError, UsageError

_FLAGS = {"--quiet", "--yes", "--no-input", "--no-color", "--debug"}
_MAX_CHARS = 4096


def check(words: Sequence[str]) -> None:
    """Raise `UsageError` for an argument that cannot be a path, a name or a text."""
    for word in words:
        if "\0" in word or len(word) > _MAX_CHARS:
            fault = "holds a NUL character" if "\0" in word else f"is longer than {_MAX_CHARS} characters"
            raise UsageError(
                f"an argument {fault}: {word[:40]!r}.",
                "Shorten or correct it; see 'ratchet --help'.",
                code="usage",
            )


def hoist(words: Sequence[str]) -> list[str]:
    """Move the common options to the front, so that they may stand anywhere before `--`."""
    first: list[str] = []
    rest: list[str] = []
    left = list(words)
    while left:
        word = left.pop(0)
        if word == "--":
            return [*first, *rest, word, *left]
        if word in _FLAGS or word.startswith("--home="):
            first.append(word)
        elif word == "--home" and left:
            first += [word, left.pop(0)]
        else:
            rest.append(word)
    return [*first, *rest]


def named_home(words: Sequence[str]) -> Path:
    """Return the home that a command line, the environment or the working folder names, for a message about it."""
    first = hoist(words)
    given = next((word.partition("=")[2] for word in first if word.startswith("--home=")), None)
    if given is None and "--home" in first[:-1]:
        given = first[first.index("--home") + 1]
    return Path(given or os.environ.get("RATCHET_HOME") or "data").absolute()


def explain(error: typer.TyperException) -> RatchetError:
    """Return Typer's error as ours: wrong usage ends with exit code 64, not with 2."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "ratchet"
    message = " ".join(error.format_message().split())
    return UsageError(message if message.endswith((".", "?")) else f"{message}.", f"See '{path} --help'.", code="usage")
