"""`ratchet dataset`: show or export the training set of a cycle.

Add here options and output; the export is `ratchet/workflows/export_dataset.py`.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.help import Json, Name, Week
from orchestration.cli.output import emit, emit_json, say, table
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError

_REJECTED = 3


def dataset(
    context: typer.Context,
    name: Name,
    week: Week,
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write the examples into this file.")
    ] = None,
    format_name: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="chat, instruction, prompt-completion, jsonl, csv or parquet; default: by the file's ending.",
        ),
    ] = "",
    split: Annotated[
        str, typer.Option("--split", help="Only train, calibration or test; default: all, with a column split.")
    ] = "",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")] = False,
    json: Json = False,
) -> int:
    """Print the sizes of the splits; with --export write the examples as the model reads them, redacted."""
    from ratchet.workflows.export_dataset import export_dataset, read_training_set

    if export is None and (format_name or split or overwrite):
        raise UsageError("--format, --split and --overwrite need a file.", "Give one with --export.", code="usage")
    session = session_of(context)
    found = read_training_set(session.home, name, week)
    counts = found.counts()
    document = {"classifier": name, "week": str(found.cycle.week), "splits": counts}
    made = (
        export_dataset(session.home, found, export, format_name, split=split, overwrite=overwrite) if export else None
    )
    if json:
        more = {"file": str(made.path), "format": made.format, "written": made.written} if made else {}
        log = str(made.log) if made and made.reasons else None
        emit_json({**document, **more, **({"rejected": made.reasons, "log": log} if made else {})})
    elif made:
        emit(f"{made.written} examples of {name} {found.cycle.week} written to {made.path} ({made.format})")
    else:
        labels = sorted({label for each in counts.values() for label in each})
        emit(table([{"label": label, **{s: counts[s].get(label, 0) for s in counts}} for label in labels]))
        emit(f"next: ratchet dataset {name} --week {found.cycle.week} --export {name}.csv")
    if made and made.reasons:
        for reason, number in made.reasons.items():
            say(session, f"rejected: {number} x {reason}")
        say(session, f"{sum(made.reasons.values())} example(s) were rejected; listed with reasons in {made.log}")
    return _REJECTED if made and made.reasons else 0
