"""`ratchet key`: a key for the gateway.

Add here what operators do with keys; how they are kept is `ratchet/storage/api_keys.py`.
"""

from typing import Annotated

import typer

from orchestration.cli.output import emit, say
from orchestration.cli.session import session_of


def key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Who will hold it.")],
    scope: Annotated[list[str], typer.Option("--scope", help="classify, feedback, annotate or admin; repeatable.")],
    per_minute: Annotated[int, typer.Option("--per-minute", help="Requests a minute; 0: as many as come.", min=0)] = 0,
) -> int:
    """Make a key, or replace the one of that name; it is printed once and kept nowhere."""
    from ratchet.storage.api_keys import Keys

    session = session_of(context)
    emit(Keys(session.home.keys).add(name, tuple(scope), per_minute))
    say(session, f"key {name} may {', '.join(scope)}; a running gateway learns of it when it starts again")
    return 0
