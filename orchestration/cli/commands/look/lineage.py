"""`ratchet lineage`: OpenLineage events of the cycles, one JSON line each, to standard output or into a file.

Add here another choice of runs; the events are made in `ratchet/workflows/lineage.py`.
"""

import json as jsonlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.commands.look.gates import parse_since
from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, say
from orchestration.cli.session import session_of


def lineage(
    context: typer.Context,
    name: Name,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From when on: 52w, 90d, or a day such as 2026-01-05.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", help="File that gets the events; an existing one is replaced.")
    ] = None,
    namespace: Annotated[str, typer.Option("--namespace", help="Name space of the job in the events.")] = "ratchet",
    json: Json = False,
) -> int:
    """Print START and COMPLETE, FAIL or ABORT of every run with what it read and made. Nothing is sent anywhere."""
    session = session_of(context)
    session.home.need(name)
    first = parse_since(since, datetime.now(UTC).date()) if since else None
    from ratchet.core.files import write_atomically
    from ratchet.workflows.lineage import list_events

    events = list(list_events(session.home, name, first, namespace))
    if json:
        emit_json({"classifier": name, "events": events})
        return 0
    lines = "".join(f"{jsonlib.dumps(event, ensure_ascii=False)}\n" for event in events)
    if output is None:
        if lines:
            emit(lines.rstrip("\n"))
        return 0
    write_atomically(output, lines.encode())
    say(session, f"{len(events)} events in {output}")
    return 0
