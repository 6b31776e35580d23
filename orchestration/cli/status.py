"""`ratchet status`: one screen."""

import typer

from orchestration.cli.manual import Json, OptionalName
from orchestration.cli.output import emit
from orchestration.cli.session import session_of


def status(context: typer.Context, name: OptionalName = None, json: Json = False) -> int:
    """Placeholder screen."""
    emit(str(session_of(context).home.root))
    return 0
