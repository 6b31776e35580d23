"""`ratchet key`: create a key for the gateway.

Add here what operators do with keys; they are stored by `ratchet/storage/api_keys.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.output import emit, say
from orchestration.cli.session import session_of


def key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name for the key.")],
    scope: Annotated[list[str], typer.Option("--scope", help="classify, feedback, annotate or admin; repeatable.")],
    per_minute: Annotated[int, typer.Option("--per-minute", help="Requests a minute; 0 for no limit.", min=0)] = 0,
) -> int:
    """Create a key, or replace the one of that name; it is printed once, and only its digest is stored."""
    from ratchet.storage.api_keys import Keys

    session = session_of(context)
    emit(Keys(session.home.keys).add(name, tuple(scope), per_minute))
    say(session, f"key {name} may {', '.join(scope)}; restart a running gateway to use it")
    return 0
