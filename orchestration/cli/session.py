"""Session of one call of the command: its home, and how it may print, colour and ask.

Add here options that every command has. What a command does is in its own file, how it prints in `output.py`.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import typer

from ratchet.core.errors import RatchetError, UsageError
from ratchet.storage.home import Home


@dataclass(frozen=True)
class Session:
    """The options of every command."""

    home: Home
    debug: bool = False
    quiet: bool = False
    no_input: bool = False
    yes: bool = False
    no_color: bool = False

    @property
    def interactive(self) -> bool:
        """Whether a person is there to be asked."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    def colored(self, stream: object) -> bool:
        """Whether `stream` is a terminal that wants colour."""
        refused = self.no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        return not refused and bool(getattr(stream, "isatty", bool)())


def confirm(session: Session, question: str, command: str) -> None:
    """Ask before `command` acts: `--yes` answers, and without a terminal to ask on it is a `RatchetError`.

    Raises `typer.Abort` where the answer is no.
    """
    if session.yes:
        return
    if not session.interactive:
        raise RatchetError(
            f"{command} asks before it acts, and there is no terminal to ask on; nothing was changed.",
            "Give --yes.",
            code="needs_yes",
        )
    typer.confirm(question, abort=True, err=True)


def session_of(context: typer.Context) -> Session:
    """The session that the command's options made."""
    return cast(Session, context.find_root().obj)


def open_home(option: str | None) -> Home:
    """The home at `option`, else where `RATCHET_HOME` points, else the nearest `data/` with a classifier, else `data/`
    here.

    Raises `UsageError` for a path that is a file, `RatchetError` for one that cannot be read.
    """
    given = option if option is not None else os.environ.get("RATCHET_HOME")
    if given is None:
        return nearest_home(Path.cwd()) or Home(Path("data").resolve())
    try:
        root = Path(given).resolve()
        if not given.strip() or (root.exists() and not root.is_dir()):
            raise UsageError(
                f"home {given[:200]!r} is no folder.", "Give a folder with --home or RATCHET_HOME.", code="bad_home"
            )
    except (OSError, ValueError) as error:
        raise RatchetError(
            f"home {given[:200]!r} cannot be read: {error}.", "Give another folder with --home.", code="bad_home"
        ) from None
    return Home(root)


def nearest_home(start: Path) -> Home | None:
    """The home in `data/` of `start` or of the nearest folder above it, where one holds a classifier."""
    homes = (Home(folder / "data") for folder in (start, *start.parents))
    return next((home for home in homes if home.root.is_dir() and home.classifiers()), None)
