"""`ratchet init`: a classifier of your own.

Add here what a new classifier starts with; the text of its `classifier.toml` is `ratchet/config/template.py`.
"""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.help import Json, Name
from orchestration.cli.output import emit, emit_json
from orchestration.cli.session import session_of
from ratchet.core.errors import UsageError


def init(
    context: typer.Context,
    name: Name,
    labels: Annotated[
        str | None, typer.Option("--labels", metavar="A,B,C", help="The labels, in order, between commas.")
    ] = None,
    labels_from: Annotated[
        Path | None,
        typer.Option(
            "--labels-from",
            metavar="FILE",
            help="A golden set (JSONL): its labels in order of appearance; it is installed.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Make the folder of a classifier."""
    from ratchet.workflows.init_classifier import init_classifier

    if (labels is None) == (labels_from is None):
        raise UsageError(
            "init needs the labels once." if labels is None else "--labels and --labels-from exclude each other.",
            f"Write 'ratchet init {name} --labels a,b,c' or '--labels-from golden.jsonl'.",
            code="usage",
        )
    home = session_of(context).home
    listed = [label.strip() for label in labels.split(",")] if labels is not None else []
    made = init_classifier(home, name, listed, labels_from)
    following = [
        f"ratchet ingest {name} --logs LOGS --corrections CORRECTIONS",
        f"ratchet cycle {name} --week latest --plan",
        f"ratchet cycle {name} --week latest",
    ]
    if not home.golden(name).exists():
        following.insert(0, f'write {home.golden(name)}: hand-reviewed, one {{"text": "...", "label": "..."}} a line')
    if json:
        emit_json(
            {
                "classifier": name,
                "labels": list(made.labels),
                "made": [str(path) for path in made.paths],
                "next": following,
            }
        )
        return 0
    emit(f"Made classifier {name} with {len(made.labels)} labels: {', '.join(made.labels)}.")
    emit("\n".join(f"  {path}" for path in made.paths))
    emit(f"Undo: rm -r {home.classifier(name)}\nNext:")
    emit("\n".join(f"  {line}" for line in following))
    return 0
