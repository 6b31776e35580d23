"""Session of one call of the command: its home, and whether it may print, use colour and ask.

Add here options that every command has. A command's own options are in its file, printing is `output.py`.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import typer

from ratchet.core.errors import RatchetError, UsageError
from ratchet.rollout.trust import Trust, trust_of
from ratchet.storage.home import Home


@dataclass(frozen=True)
class Session:
    """Options that every command has."""

    home: Home
    debug: bool = False
    quiet: bool = False
    no_input: bool = False
    yes: bool = False
    no_color: bool = False

    @property
    def interactive(self) -> bool:
        """True where a person is there to be asked."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    def colored(self, stream: object) -> bool:
        """True where `stream` is a terminal that wants colour."""
        plain = self.no_color or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        return not plain and bool(getattr(stream, "isatty", bool)())


def confirm(session: Session, question: str, command: str) -> None:
    """Ask before `command` acts: `--yes` answers, and without a terminal to ask on it is a `RatchetError`.

    Raises `typer.Abort` where the answer is no.
    """
    if session.yes:
        return
    if not session.interactive:
        raise RatchetError(
            f"{command} asks before it acts, but cannot ask without a terminal; nothing was changed.",
            "Give --yes.",
            code="needs_yes",
        )
    typer.confirm(question, abort=True, err=True)


def session_of(context: typer.Context) -> Session:
    """Return the session of this call."""
    return cast(Session, context.find_root().obj)


def pin(home: Home, key: Path | None, checkpoints: Sequence[Path] | None) -> Home:
    """Return `home` with what `--public-key` and `--checkpoint` name in place of what the environment does.

    Raises `RatchetError` for a file that cannot be read.
    """
    trust = Trust(key or home.trust.key, tuple(checkpoints or ()) or home.trust.checkpoints)
    trust.check_paths()
    return replace(home, trust=trust)


def open_home(option: str | None) -> Home:
    """Return the home at `option`, else at `RATCHET_HOME`, else the nearest `data/` with a classifier, else `./data/`.

    Raises `UsageError` for a path that is a file, `RatchetError` for one that cannot be read.
    """
    given = option if option is not None else os.environ.get("RATCHET_HOME")
    if given is None:
        return nearest_home(Path.cwd()) or Home(Path("data").resolve(), trust_of(os.environ))
    try:
        root = Path(given).resolve()
        if not given.strip() or (root.exists() and not root.is_dir()):
            raise UsageError(
                f"home {given[:200]!r} is not a folder.", "Give a folder with --home or RATCHET_HOME.", code="bad_home"
            )
    except (OSError, ValueError) as error:
        raise RatchetError(
            f"home {given[:200]!r} cannot be read: {error}.", "Give another folder with --home.", code="bad_home"
        ) from None
    return Home(root, trust_of(os.environ))


def need_folder(option: str) -> None:
    """Raise `UsageError` where the home that was typed does not exist: a new, empty one would hide the slip."""
    if not Path(option).exists():
        raise UsageError(
            f"home {option[:200]!r} does not exist.",
            "Check --home; a new home is made by 'ratchet --home DIR init NAME', by 'sample' and by 'demo'.",
            code="no_home",
        )


def nearest_home(start: Path) -> Home | None:
    """Return the home in `data/` of `start` or of the nearest folder above it, where one holds a classifier."""
    homes = (Home(folder / "data", trust_of(os.environ)) for folder in (start, *start.parents))
    return next((home for home in homes if home.root.is_dir() and home.classifiers()), None)
