"""`ratchet ingest`: read production logs and corrections.

Add here how files are named on the command line; they are read by `ratchet/ingest/landing.py`.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json, printable, say, table
from orchestration.cli.session import Session, session_of
from ratchet.core.errors import UsageError

if TYPE_CHECKING:
    from ratchet.data.records import Terms
    from ratchet.ingest.result import IngestResult

_REJECTED = 3
_Files = list[Path] | None


def ingest(
    context: typer.Context,
    name: Name,
    logs: Annotated[
        _Files,
        typer.Option(
            "--logs",
            metavar="FILE",
            help="Production logs: Parquet, JSON lines or a list, CSV or TSV, also as .gz, or a folder of parts;"
            " repeatable.",
        ),
    ] = None,
    corrections: Annotated[
        _Files, typer.Option("--corrections", metavar="FILE", help="Corrections, in the same formats; repeatable.")
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="OURS=THEIRS", help="Your name of a column, as text=body; repeatable."),
    ] = None,
    blind: Annotated[
        bool,
        typer.Option(
            "--blind", help="No annotator of the corrections saw the model's answer: a file lacks the column."
        ),
    ] = False,
    anchored: Annotated[
        bool,
        typer.Option("--anchored", help="The annotators saw the model's answer; such labels train but never evaluate."),
    ] = False,
    json: Json = False,
) -> int:
    """Ingest the named files, then the new files of the landing folders."""
    from ratchet.data.records import Terms
    from ratchet.ingest.landing import Landing
    from ratchet.ingest.one_sided_weeks import describe_one_sided
    from ratchet.ingest.rebuild import open_warehouse
    from ratchet.ingest.row_counts import missing_rows
    from ratchet.storage.row_files.parts import parts_of, skipped_of
    from ratchet.storage.specs import Specs

    session = session_of(context)
    home = session.home
    spec = Specs(home)[name]
    warehouse, mapping = open_warehouse(home, name), _mapping(columns or [])
    landing, saw = Landing(home, warehouse), _said_of_corrections(blind, anchored, corrections)
    given = [("production_logs", path) for path in logs or []] + [("corrections", path) for path in corrections or []]
    named = [(kind, file) for kind, path in given for file in parts_of(path)]
    skipped = {file: reason for _, path in given for file, reason in skipped_of(path).items()}
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
    lacking = missing_rows(home, name)
    intakes = []
    for kind, file in named:
        say(session, f"reading {file} ...")
        intakes.append(landing.deliver(spec, kind, file, columns=mapped[kind], saw_prediction=saw))
    intakes += landing.take(spec)
    rejected = sum(intake.rejected for intake in intakes)
    taken = any(intake.kind == "corrections" and intake.accepted for intake in intakes)
    remarks = describe_one_sided(warehouse, name) if taken else []
    rows = [
        {"kind": i.kind, "file": i.file, "accepted": i.accepted, "duplicate": i.duplicate, "rejected": i.rejected}
        for i in intakes
    ]
    if json:
        files = [
            {
                **row,
                "reasons": intake.reasons,
                "nulled": intake.nulled,
                "encoding": intake.encoding,
                "unknown_labels": intake.unknown_labels,
            }
            for row, intake in zip(rows, intakes, strict=True)
        ]
        emit_json(
            {
                "classifier": name,
                "files": files,
                "rejected_folder": str(home.rejected(name)),
                "remarks": remarks,
                "skipped": {str(file): why for file, why in skipped.items()},
            }
        )
    else:
        emit(table(rows) if rows else f"nothing new in the landing folders of {name}.")
        for intake in intakes:
            _explain(session, intake, Terms.of(spec))
    for file, why in skipped.items():
        say(session, printable(f"not read: {file}: {why}"))
    for remark in remarks:
        say(session, f"remark: {remark}.")
    if rejected:
        say(session, f"{rejected} row(s) were rejected; saved with reasons in {home.rejected(name)}")
    lost = {why: number for why, number in missing_rows(home, name).items() if number > lacking.get(why, 0)}
    for reason, number in lost.items():
        say(session, f"{number} row(s) are lost: {reason}; put the files back and remove {home.warehouse(name)}")
    return _REJECTED if rejected or lost or skipped else 0


def _explain(session: Session, intake: "IngestResult", terms: "Terms") -> None:
    """Say of a file which rows were rejected or wait, and which values rows were taken without."""
    from ratchet.data.row_rules import WAIT_REASONS, hint_of

    for reason, count in intake.reasons.items():
        hint = hint_of(reason, terms, intake.unknown_labels)
        what = "waiting" if reason in WAIT_REASONS else "rejected"
        say(session, printable(f"{what} in {intake.file}: {count} x {reason}{hint and ': '}{hint}"))
    if intake.encoding:
        say(session, printable(f"{intake.file} is not UTF-8: read as {intake.encoding}"))
    for reason, count in intake.nulled.items():
        say(session, printable(f"taken without a value in {intake.file}: {count} x {reason}"))


def _said_of_corrections(blind: bool, anchored: bool, corrections: _Files) -> bool | None:
    """Return what the command says of all annotators of the files: whether they saw the prediction, or nothing."""
    if not blind and not anchored:
        return None
    if blind and anchored:
        raise UsageError(
            "--blind and --anchored contradict each other.", "Ingest the two kinds of files one after the other.",
            code="bad_mapping",
        )  # fmt: skip
    if not corrections:
        raise UsageError(
            f"{'--blind' if blind else '--anchored'} says something of corrections, and no file of them is given.",
            "Write it beside --corrections FILE.",
            code="bad_mapping",
        )
    return anchored


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
