"""`ratchet init`: create a classifier.

Add here options and output; the text of its `classifier.toml` is `ratchet/config/template.py`.
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
        str | None, typer.Option("--labels", metavar="A,B,C", help="The labels in order, separated by commas.")
    ] = None,
    labels_from: Annotated[
        Path | None,
        typer.Option(
            "--labels-from",
            metavar="FILE",
            help="A golden set (JSONL) to install; labels in order of appearance.",
        ),
    ] = None,
    json: Json = False,
) -> int:
    """Create the folder of a classifier and print the next commands."""
    from ratchet.workflows.init_classifier import init_classifier

    if (labels is None) == (labels_from is None):
        raise UsageError(
            "init needs the labels." if labels is None else "--labels and --labels-from cannot be combined.",
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
        following.insert(0, f'write {home.golden(name)}: hand-reviewed, one {{"text": "...", "label": "..."}} per line')
    if json:
        emit_json(
            {
                "classifier": name,
                "labels": list(made.labels),
                "made": [str(path) for path in made.paths],
                "next": following,
                "remarks": list(made.remarks),
            }
        )
        return 0
    emit(f"Created classifier {name} with {len(made.labels)} labels: {', '.join(made.labels)}.")
    emit("\n".join(f"  {path}" for path in made.paths))
    for remark in made.remarks:
        emit(f"remark: {remark}")
    emit(f"All settings: `ratchet docs settings`\nUndo: rm -r {home.classifier(name)}\nNext:")
    emit("\n".join(f"  {line}" for line in following))
    return 0
