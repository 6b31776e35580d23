"""`ratchet keys`: list the gateway's keys, or revoke one.

Add here columns of the list; keys are stored by `ratchet/storage/keys/api_keys.py`, and made by `key.py`.
"""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from orchestration.cli.help import Json
from orchestration.cli.output import emit, emit_json, say, table
from orchestration.cli.session import session_of


def keys(
    context: typer.Context,
    revoke: Annotated[
        str, typer.Option("--revoke", metavar="KEY", help="Name of a key that opens nothing from now on.")
    ] = "",
    json: Json = False,
) -> int:
    """List the keys, without their secrets, which are stored nowhere; with --revoke, remove one first."""
    from ratchet.storage.keys.api_keys import Keys

    session = session_of(context)
    stored, now = Keys(session.home.keys), datetime.now(UTC)
    if revoke:
        stored.revoke(revoke)
        say(session, f"key {revoke} is revoked; a running gateway refuses it within a second")
    found = stored.read()
    if json:
        rows = [{**asdict(key), "expired": key.is_expired(now)} for key in found]
        for row in rows:
            del row["sha256"]
        emit_json({"keys": rows})
        return 0
    lines = [
        {
            "key": key.name,
            "person": key.person,
            "speaks for": ", ".join(key.may_speak_for) or "-",
            "scopes": ", ".join(key.scopes),
            "a minute": key.per_minute or "-",
            "blind": "yes" if key.blind else "no",
            "expires": f"{key.expires or 'never'}{' (expired)' if key.is_expired(now) else ''}",
        }
        for key in found
    ]
    emit(table(lines) if lines else f"no keys in {session.home.root}; next: ratchet key NAME --scope classify")
    return 0
