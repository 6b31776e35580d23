"""`ratchet ingest`: read production logs and corrections.

Add here how files are named on the command line; they are read by `ratchet/ingest/landing.py`.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable, say, table
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError

_REJECTED = 3
_Files = list[Path] | None


def ingest(
    context: typer.Context,
    name: Name,
    logs: Annotated[
        _Files, typer.Option("--logs", metavar="FILE", help="Production logs: Parquet, JSONL or CSV; repeatable.")
    ] = None,
    corrections: Annotated[
        _Files, typer.Option("--corrections", metavar="FILE", help="Corrections, in the same formats; repeatable.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Your name of a column, as text=body; repeatable."),
    ] = None,
    json: Json = False,
) -> int:
    """Ingest the named files, then the new files of the landing folders."""
    from ratchet.data.records import Terms
    from ratchet.data.row_rules import hint_of
    from ratchet.ingest.landing import Landing
    from ratchet.ingest.rebuild import open_warehouse
    from ratchet.storage.specs import Specs

    session = session_of(context)
    home = session.home
    spec = Specs(home)[name]
    landing, mapping = Landing(home, open_warehouse(home, name)), _mapping(columns or [])
    named = [("production_logs", file) for file in logs or []] + [("corrections", file) for file in corrections or []]
    # Each kind of file gets only the columns that it has; a column that no given file has is a mistake.
    mapped = {
        kind: {ours: theirs for ours, theirs in mapping.items() if _has(kind, ours)}
        for kind in {kind for kind, _ in named}
    }
    unused = set(mapping) - {ours for columns in mapped.values() for ours in columns}
    if unused:
        raise UsageError(
            f"--map {sorted(unused)[0]}={mapping[sorted(unused)[0]]} matches no column of the files given.",
            "Write --map ours=theirs beside --logs or --corrections; ours is one of request_id, ts, text, label,"
            " annotator ...",
            code="bad_mapping",
        )
    intakes = []
    for kind, file in named:
        say(session, f"reading {file} ...")
        intakes.append(landing.deliver(spec, kind, file, columns=mapped[kind]))
    intakes += landing.take(spec)
    rejected = sum(intake.rejected for intake in intakes)
    rows = [
        {"kind": i.kind, "file": i.file, "accepted": i.accepted, "duplicate": i.duplicate, "rejected": i.rejected}
        for i in intakes
    ]
    if json:
        files = [
            {**row, "reasons": intake.reasons, "unknown_labels": intake.unknown_labels}
            for row, intake in zip(rows, intakes, strict=True)
        ]
        emit_json({"classifier": name, "files": files, "rejected_folder": str(home.rejected(name))})
    else:
        emit(table(rows) if rows else f"nothing new in the landing folders of {name}.")
        for intake in intakes:
            for reason, count in intake.reasons.items():
                hint = hint_of(reason, Terms.of(spec), intake.unknown_labels)
                say(session, printable(f"rejected in {intake.file}: {count} x {reason}{hint and ': '}{hint}"))
    if rejected:
        say(session, f"{rejected} row(s) were rejected; saved with reasons in {home.rejected(name)}")
    return _REJECTED if rejected else 0


def _has(kind: str, column: str) -> bool:
    from ratchet.data.records import kind_of

    return column in kind_of(kind).names


def _mapping(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for word, (ours, _, theirs) in zip(words, pairs, strict=True):
        if not ours or not theirs:
            raise UsageError(
                f"--map {word!r} is not a pair.", "Write --map ours=theirs, for instance text=body.", code="bad_mapping"
            )
    return {ours: theirs for ours, _, theirs in pairs}
