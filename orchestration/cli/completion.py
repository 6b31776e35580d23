"""Shell completion of classifiers, weeks and digests, read from folder names only, so that it is fast.

Add a completer here; it must open no database and never fail, because its output goes to the user's prompt.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from orchestration.cli.session import open_home
from ratchet.core.errors import RatchetError
from ratchet.core.names import NAME
from ratchet.storage.home import Home

Completer = Callable[[typer.Context, list[str], str], Iterator[str]]


def classifiers(context: typer.Context, args: list[str], incomplete: str) -> Iterator[str]:
    """Names of the home's classifiers."""
    home = _home(context)
    return (name for name in (home.classifiers() if home else ()) if name.startswith(incomplete))


def weeks(context: typer.Context, args: list[str], incomplete: str) -> Iterator[str]:
    """`latest`, `current`, and the weeks that have run or are in the landing folder."""
    folders = (_folder(context, "receipts"), _folder(context, "production_logs"))
    result = {path.name[:10] for folder in folders if folder for path in folder.glob("[0-9]*-[0-9]*-[0-9]*")}
    return (week for week in ["latest", "current", *sorted(result, reverse=True)] if week.startswith(incomplete))


def adapters(context: typer.Context, args: list[str], incomplete: str) -> Iterator[str]:
    """`live`, `candidate`, and the sealed adapters by their first digits."""
    folder = _folder(context, "adapters")
    result = sorted(path.name[:12] for path in folder.glob("[0-9a-f]*")) if folder else []
    return (word for word in ["live", "candidate", *result] if word.startswith(incomplete))


def topics(context: typer.Context, args: list[str], incomplete: str) -> Iterator[str]:
    """Pages of the manual."""
    from ratchet.core.manual_pages import list_pages

    try:
        names = [page.name for page in list_pages()]
    except RatchetError:
        names = []
    return (name for name in names if name.startswith(incomplete))


def _home(context: typer.Context) -> Home | None:
    given = context.find_root().params.get("home")
    try:
        return open_home(given)
    except RatchetError:
        return None


def _folder(context: typer.Context, folder: str) -> Path | None:
    # While an option is completed, Typer has not parsed the name yet: then it is the first argument left.
    home, name = _home(context), context.params.get("name") or next(iter(context.args), None)
    return home.classifier(name) / folder if home and isinstance(name, str) and NAME.fullmatch(name) else None
