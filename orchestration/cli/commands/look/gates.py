"""`ratchet gates`: what each gate blocked, what was released later, and how those candidates did.

Add here columns and forms of the list; the record is read by `ratchet/workflows/gate_record.py`.
"""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable, table
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError

_DAYS = {"d": 1, "w": 7}


def gates(
    context: typer.Context,
    name: Name,
    since: Annotated[
        str, typer.Option("--since", metavar="TIME", help="From when on: 52w, 90d, or a day such as 2026-01-05.")
    ] = "52w",
    as_csv: Annotated[
        bool,
        typer.Option("--csv", help="Print every blocked week as CSV, which a spreadsheet opens without running it."),
    ] = False,
    json: Json = False,
) -> int:
    """Print for each gate how many weeks it blocked, how many were released, how their candidates did, days lost."""
    if as_csv and json:
        raise UsageError("--csv and --json are two forms of one list.", "Give one of them.", code="usage")
    first = parse_since(since, datetime.now(UTC).date())
    home = session_of(context).home
    home.need(name)
    from ratchet.workflows.gate_record import read_record
    from ratchet.workflows.review.dropped import csv_cell

    record = read_record(home, name, first)
    if json:
        blocks = [block.as_json() for block in record.blocks]
        emit_json({"classifier": name, "since": str(first), "gates": record.rows(), "blocks": blocks})
        return 0
    if as_csv:
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        columns = ["gate", "week", "at", "released", "by", "days_lost", "candidate", "fate", "reason"]
        writer.writerow(columns)
        writer.writerows([csv_cell(block.as_json()[key]) for key in columns] for block in record.blocks)
        emit(lines.getvalue().rstrip("\n"))
        return 0
    rows = record.rows()
    emit(table(rows) if rows else f"no gate of {name} gave a verdict since {first}")
    for block in record.blocks:
        end = f"released by {'a person' if block.by == 'person' else 'the gate'} on {block.released[:10]}"
        fate = f"; its candidate {block.fate.sentence}" if block.released and block.candidate else ""
        state = f"{end}{fate}" if block.released else "still blocked"
        emit(printable(f"{block.week} {block.gate}: {state}, {block.days_lost:g} days lost; {block.reason[:200]}"))
    return 0


def parse_since(word: str, today: date) -> date:
    """Return the first day that `52w`, `90d` or a date names; raises `UsageError` for any other word."""
    if found := re.fullmatch(r"(\d{1,4})([dw])", word):
        days = int(found[1]) * _DAYS[found[2]]
        if days < (today - date.min).days:
            return today - timedelta(days=days)
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise UsageError(
            f"--since {word[:40]!r} is not a time.", "Say 52w, 90d, or a day such as 2026-01-05.", code="bad_since"
        ) from None
