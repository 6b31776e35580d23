"""`ratchet predict`: classify a file of texts.

Add here where rows come from and go to; rows are classified by `ratchet/workflows/predict_file.py`.
"""

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from orchestration.cli import completion
from orchestration.cli.help import Name
from orchestration.cli.output import abandon_output, say
from orchestration.cli.session import Session, session_of
from ratchet.core.errors import RatchetError

_REJECTED = 3


def predict(
    context: typer.Context,
    name: Name,
    source: Annotated[
        str, typer.Option("--input", metavar="FILE", help='JSONL with {"text": ...} a line; - is standard input.')
    ],
    target: Annotated[
        str, typer.Option("--output", metavar="FILE", help="File for the answers; - is standard output.")
    ],
    adapter: Annotated[
        str,
        typer.Option("--adapter", help="live, shadow, candidate, or a digest.", autocompletion=completion.adapters),
    ] = "live",
) -> int:
    """Classify every row: keep its keys and add label, confidence and probabilities.

    The output file appears only when complete. Lines that cannot be classified are skipped and listed on stderr.
    """
    session = session_of(context)
    session.home.need(name)
    from ratchet.storage.registry.adapters import AdapterStore
    from ratchet.storage.specs import Specs
    from ratchet.workflows.predict_file import BadRow, predict_lines
    from ratchet.workflows.resolve_adapter import find_adapter

    home, store = session.home, AdapterStore(session.home)
    spec = Specs(home)[name]
    digest = find_adapter(home, name, adapter)
    with _lines(source) as lines, _writer(target) as output:
        from ratchet.models.inference.predictor import load_predictor

        predictor = load_predictor(store.open(name, digest))
        answered, bad = 0, 0
        for row in predict_lines(predictor, lines, spec.max_text_chars):
            if isinstance(row, BadRow):
                bad += 1
                print(f"rejected: line {row.line} {row.reason}", file=sys.stderr)  # noqa: T201 - never lost silently
                continue
            answered += 1
            print(json.dumps(row, ensure_ascii=False), file=output)
    _report(session, answered, bad, digest, target)
    return _REJECTED if bad else 0


def _report(session: Session, answered: int, bad: int, digest: str, target: str) -> None:
    where = "standard output" if target == "-" else target
    say(session, f"{answered} row(s) classified by adapter {digest[:12]}, {bad} rejected; the answers are in {where}")


@contextmanager
def _lines(source: str) -> Iterator[Iterable[bytes]]:
    if source == "-":
        yield sys.stdin.buffer
        return
    if not Path(source).is_file():
        raise RatchetError(
            f"{source} {'is not a file' if Path(source).exists() else 'does not exist'}.",
            "Give a JSONL file with --input, or - for standard input.",
            code="no_file",
        )
    with Path(source).open("rb") as file:
        yield file


@contextmanager
def _writer(target: str) -> Iterator[TextIO]:
    """A file that appears when all is written, or standard output."""
    if target == "-":
        try:
            yield sys.stdout
            sys.stdout.flush()
        except BrokenPipeError:
            abandon_output()
            raise typer.Exit(0) from None
        return
    path = Path(target)
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise RatchetError(
            f"output {target} {what}.", "Give the path of a file in an existing folder.", code="bad_output"
        )
    stage = path.with_name(f".{path.name}.stage")
    try:
        with stage.open("w", encoding="utf-8") as file:
            yield file
        stage.replace(path)
    finally:
        stage.unlink(missing_ok=True)
