"""`ratchet key`: create a key for the gateway.

Add here the limits that a key may get; keys are stored by `ratchet/storage/keys/api_keys.py`, and listed by `keys.py`.
"""

from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.cli.output import emit, say
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError


def key(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name for the key.")],
    scope: Annotated[
        list[str], typer.Option("--scope", help="classify, feedback, annotate, review or admin; repeatable.")
    ],
    per_minute: Annotated[
        int, typer.Option("--per-minute", help="Texts and other requests a minute; 0: no limit.", min=0)
    ] = 0,
    person: Annotated[str, typer.Option("--person", help="Its holder; default: the key's name.")] = "",
    may_speak_for: Annotated[
        list[str] | None,
        typer.Option("--may-speak-for", metavar="PERSON", help="Whose corrections it may bring, too; repeatable."),
    ] = None,
    blind: Annotated[
        bool, typer.Option("--blind", help="Its annotators never see predictions, so their corrections may evaluate.")
    ] = False,
    expires: Annotated[str, typer.Option("--expires", metavar="TIME", help="Last day, or RFC 3339 time.")] = "",
) -> int:
    """Create a key, or replace the one of that name; it is printed once, and only its digest is stored."""
    from ratchet.storage.keys.api_keys import Keys

    session = session_of(context)
    emit(
        Keys(session.home.keys).add(
            name, tuple(scope), per_minute, person=person, may_speak_for=may_speak_for or (), blind=blind,
            expires=_time(expires) if expires else None,
        )
    )  # fmt: skip
    say(session, f"key {name} may {', '.join(scope)}; a running gateway knows it within a second")
    return 0


def _time(text: str) -> datetime:
    """Return the instant `text`: a day, which it includes, or a time with its zone."""
    try:
        result = datetime.fromisoformat(text)
    except ValueError:
        result = None
    if result is not None and len(text) == len("2026-02-23"):
        return result.replace(hour=23, minute=59, second=59, tzinfo=UTC)
    if result is None or result.tzinfo is None:
        raise UsageError(
            f"--expires {text[:40]!r} is neither a day nor a time with its zone.",
            "Write it as 2027-01-31 or 2027-01-31T12:00:00Z.",
            code="bad_expiry",
        )
    return result
