"""`ratchet history`: the weeks side by side, as a table, as JSON or as CSV. Reads files alone, and writes none.

Add here columns of the table; the numbers are read by `ratchet/workflows/history/`.
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from orchestration.cli.commands.look.gates import parse_since
from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError

_COLUMNS = {
    "week": "week",
    "verdict": "verdict",
    "test F1": "test_macro_f1",
    "golden F1": "golden_macro_f1",
    "live F1": "live_test_macro_f1",
    "ECE": "test_ece",
    "agreement": "agreement",
    "drift": "label_drift",
    "below": "below_threshold",
    "requests": "requests",
    "waiting": "waiting",
    "seconds": "seconds",
    "marks": "marks",
}


def history(
    context: typer.Context,
    name: Name,
    since: Annotated[
        str,
        typer.Option(
            "--since",
            metavar="TIME",
            help="From when on: 52w, 90d, or a day such as 2026-01-05; without it a year up to the newest week.",
        ),
    ] = "",
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print every figure of every week as CSV, safe to open in a spreadsheet.")
    ] = False,
    json: Json = False,
) -> int:
    """Print one row for each week that ran, oldest first, and one sentence on promotions."""
    if as_csv and json:
        raise UsageError("--csv and --json are two forms of one list.", "Give one of them.", code="usage")
    now = datetime.now(UTC)
    chosen, home = parse_since(since, now.date()) if since else None, session_of(context).home
    from ratchet.workflows.history.flat import flatten_weeks, write_csv
    from ratchet.workflows.history.history import first_of_year, load_history

    document = load_history(home, name, now, chosen or first_of_year(home, name))
    if json:
        emit_json(document)
        return 0
    if as_csv:
        emit(write_csv(document["weeks"]).rstrip("\n"))
        return 0
    rows = flatten_weeks(document["weeks"])
    if rows:
        emit(table([{title: _show(column, row[column]) for title, column in _COLUMNS.items()} for row in rows]))
    for row in document["weeks"]:
        if row["reason"] and (row["verdict"] != "passed" or row["marks"]):
            words = (
                f"{row['verdict']} by {row['gate']}" if row["gate"] and row["verdict"] == "blocked" else row["verdict"]
            )
            emit(printable(f"{row['week']} {words}: {row['reason']}"))
    emit(printable(document["sentence"]))
    for note in document["notes"]:
        emit(printable(f"note: {note}"))
    return 0


def _show(column: str, value: Any) -> Any:
    """Return a cell of the table: whole seconds, and nothing for what is empty."""
    if column == "seconds" and value is not None:
        return round(value)
    return None if value == "" else value
