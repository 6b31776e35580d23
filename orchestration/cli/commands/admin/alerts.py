"""`ratchet alerts`: what was sent and what waits; send what is due, or one line to every receiver as a test.

Add here columns and words; how alerts are found and sent is `ratchet/workflows/alerts/`.
"""

from typing import Annotated

import typer

from orchestration.cli.help import Json
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError
from ratchet.core.names import nearest

WORDS = ("list", "send", "test")


def alerts(
    context: typer.Context,
    word: Annotated[
        str,
        typer.Argument(
            metavar="[list|send|test]",
            help="list: what was sent and what waits; send: one tick, for cron where no Dagster runs; test: one line to"
            " each receiver.",
        ),
    ] = "list",
    json: Json = False,
) -> int:
    """Print, send or test the alerts of a home. An address is never printed."""
    if word not in WORDS:
        hint = nearest(word, WORDS) or f"Say {', '.join(WORDS)}."
        raise UsageError(f"ratchet alerts knows no {word[:40]!r}.", hint, code="usage")
    home = session_of(context).home
    if word == "send":
        from ratchet.workflows.alerts.send import send_alerts

        tick = send_alerts(home)
        emit_json(tick.as_json()) if json else emit(printable(tick.sentence))
        return 1 if tick.failed else 0
    if word == "test":
        from ratchet.workflows.alerts.try_receivers import try_receivers

        found = try_receivers(home)
        rows = [{"receiver": each.name, "outcome": each.why or "ok", "hint": each.hint} for each in found]
        if json:
            emit_json({"receivers": [each.as_json() for each in found]})
        else:
            emit(table(rows) if rows else _NONE)
        return 1 if any(each.why for each in found) or not found else 0
    from ratchet.workflows.alerts.overview import describe_alerts

    document = describe_alerts(home)
    if json:
        emit_json(document)
        return 0
    rows = [
        {"time": each["ts"], "alert": each["line"], "sent to": each["sent"] or "-", "waits for": each["waits"] or "-",
         "id": each["id"]}
        for each in document["alerts"][-40:]
    ]  # fmt: skip
    emit(table(rows) if rows else "no alert yet")
    for receiver in document["receivers"]:
        if receiver["failures"]:
            emit(printable(f"{receiver['name']}: {receiver['failures']} failures in a row, {receiver['why']}"))
    emit(printable(document["sentence"]))
    return 0


_NONE = "no receiver: add [[alerts.receiver]] to settings.toml"
