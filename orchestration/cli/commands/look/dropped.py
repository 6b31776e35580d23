"""`ratchet dropped`: the rows of one week that neither train nor judge, with reasons.

Add here columns and forms of the list; the rows are found by `ratchet/workflows/review/dropped.py`.
"""

import csv
import io
from dataclasses import fields
from shlex import quote
from typing import Annotated

import typer

from orchestration.cli.help import Json, Name, Week
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of
from ratchet.core.cycle import choose_week, parse_week


def dropped(
    context: typer.Context,
    name: Name,
    week: Week = "latest",
    every: Annotated[
        bool, typer.Option("--all", help="Print every row as CSV, which a spreadsheet opens without running it.")
    ] = False,
    json: Json = False,
) -> int:
    """Print how many rows were dropped for each reason, or every one of them."""
    home = session_of(context).home
    home.need(name)
    from ratchet.storage.run_history import run_weeks
    from ratchet.workflows.review.dropped import DroppedRow, csv_cell, list_dropped

    cycle = choose_week(name, week, [parse_week(word) for word in run_weeks(home, name)])
    found = list_dropped(home, cycle)
    if json:
        rows = [row.as_json() for row in found.rows]
        counted = {"counts": found.counts(), "rows": rows, "undated": found.undated, "ran": found.ran}
        emit_json({"classifier": name, "week": str(cycle.week), **counted})
        return 0
    if every:
        columns, lines = [each.name for each in fields(DroppedRow)], io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([csv_cell(value) for value in row.as_json().values()] for row in found.rows)
        emit(lines.getvalue().rstrip("\n"))
        return 0
    emit(
        table(found.counts()) if found.rows else f"no row of {name} in the week of {cycle.week} was dropped or rejected"
    )
    if not found.ran:
        emit(f"note: no cycle has split the rows of this week yet: ratchet cycle {name} --week {cycle.week}")
    if found.undated:
        folder = home.rejected(name)
        emit(f"note: {found.undated} rejected rows have no time that can be read, so that they belong to no week;")
        emit(printable(f"  they stand with their reasons in {folder}: cat {quote(str(folder))}/*.jsonl"))
    return 0
