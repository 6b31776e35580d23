"""`ratchet ingest`: read production logs, corrections and labelled examples.

Add here an option; what it says of the files is read by `orchestration/cli/delivery.py`, the steps are
`ratchet/workflows/ingest_files.py`, the output is `orchestration/cli/ingest_output.py`.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.delivery import read_delivery
from orchestration.cli.help import Json, Name
from orchestration.cli.ingest_output import failure_of, print_json, print_remarks, print_text
from orchestration.cli.output import say
from orchestration.cli.session import session_of

_REJECTED = 3
_LOGS = "Production logs: Parquet, JSON lines or a list, CSV or TSV, also as .gz, or a folder of parts; repeatable."
_CORRECTIONS = "Corrections, in the same formats; repeatable."
_EXAMPLES = "Labelled texts without requests: text and label, chat, instruction, prompt and completion; repeatable."
_EXPORTS = "Exports of the tool that --from names."
_TOOL = "Tool whose exports the files are: label-studio, argilla, prodigy, doccano, openpipe or tensorzero."
_MAP = "Your name of a column, as text=body; repeatable."
_BLIND = "No annotator of the corrections saw the model's answer: a file lacks the column."
_ANCHORED = "The annotators saw the model's answer; such labels train but never evaluate."


def ingest(
    context: typer.Context,
    name: Name,
    exports: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help=_EXPORTS)] = None,
    logs: Annotated[list[Path] | None, typer.Option("--logs", metavar="FILE", help=_LOGS)] = None,
    corrections: Annotated[list[Path] | None, typer.Option("--corrections", metavar="FILE", help=_CORRECTIONS)] = None,
    examples: Annotated[list[Path] | None, typer.Option("--examples", metavar="FILE", help=_EXAMPLES)] = None,
    tool: Annotated[str, typer.Option("--from", metavar="TOOL", help=_TOOL)] = "",
    columns: Annotated[list[str] | None, typer.Option("--map", metavar="OURS=THEIRS", help=_MAP)] = None,
    blind: Annotated[bool, typer.Option("--blind", help=_BLIND)] = False,
    anchored: Annotated[bool, typer.Option("--anchored", help=_ANCHORED)] = False,
    json: Json = False,
) -> int:
    """Ingest the named files, then the new files of the landing folders."""
    from ratchet.storage.specs import Specs
    from ratchet.workflows.ingest_files import ingest_files

    session = session_of(context)
    spec = Specs(session.home)[name]
    paths = [("production_logs", path) for path in logs or []] + [("corrections", path) for path in corrections or []]
    paths += [("labelled_examples", path) for path in examples or []]
    delivery = read_delivery(paths, columns or [], blind=blind, anchored=anchored, tool=tool, exports=exports or [])
    report = ingest_files(session.home, name, delivery, lambda file: say(session, f"reading {file} ..."))
    if json:
        print_json(session, name, report)
    else:
        print_text(session, report, spec)
    print_remarks(session, name, report)
    if failure := failure_of(session, name, report):
        raise failure
    return 0 if report.complete else _REJECTED
