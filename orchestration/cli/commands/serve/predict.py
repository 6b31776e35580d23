"""`ratchet predict`: classify a file of texts.

Add here where rows come from and go to; rows are classified by `ratchet/workflows/predict_file.py`.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from orchestration.cli import completion
from orchestration.cli.help import Name
from orchestration.cli.output import abandon_output, is_unicode, printable, say
from orchestration.cli.session import Session, session_of
from ratchet.core.errors import RatchetError, UsageError

if TYPE_CHECKING:
    from ratchet.storage.row_files.rows import FileRow

_REJECTED = 3


def predict(
    context: typer.Context,
    name: Name,
    source: Annotated[
        str,
        typer.Option(
            "--input",
            metavar="FILE",
            help='Rows with a text, in any form that ingest takes; - is standard input, with {"text": ...} a line.',
        ),
    ],
    target: Annotated[
        str, typer.Option("--output", metavar="FILE", help="File for the answers, JSON lines; - is standard output.")
    ],
    adapter: Annotated[
        str,
        typer.Option("--adapter", help="live, shadow, candidate, or a digest.", autocompletion=completion.adapters),
    ] = "live",
    columns: Annotated[
        list[str] | None, typer.Option("--map", metavar="text=THEIRS", help="Your name of the column of texts.")
    ] = None,
) -> int:
    """Classify every row: keep its keys and add label, confidence and probabilities.

    The output file appears only when complete, never over the input and never with no row in it. A label that a row
    has is kept as given_label. Lines that cannot be classified are skipped and listed on stderr.
    """
    session = session_of(context)
    session.home.need(name)
    column = _text_column(columns or [])
    from ratchet.storage.registry.adapters import AdapterStore
    from ratchet.storage.specs import Specs
    from ratchet.workflows.predict_file import BadRow, predict_rows
    from ratchet.workflows.resolve_adapter import find_adapter

    home, store = session.home, AdapterStore(session.home)
    spec = Specs(home)[name]
    digest = find_adapter(home, name, adapter)
    skipped = _check_source(source)
    rows = _rows(source)
    with _writer(source, target) as output:
        from ratchet.models.inference.predictor import load_predictor

        predictor = load_predictor(store.open(name, digest))
        answered, bad = 0, 0
        for row in predict_rows(predictor, rows, spec.max_text_chars, column):
            if isinstance(row, BadRow):
                bad += 1
                where = f"line {row.line}{f' of {row.part}' if row.part else ''}"
                print(f"rejected: {where} {row.reason}", file=sys.stderr)  # noqa: T201 - never lost silently
                continue
            answered += 1
            print(json.dumps(row, ensure_ascii=not is_unicode(output)), file=output)
    if not answered and target != "-" and Path(target).stat().st_size:
        where = f"no row of {source} was classified; {target} stays as it was."
        if not bad:
            raise RatchetError(where, "Give rows with a text: JSON lines, a list, CSV or Parquet.", code="no_rows")
        say(session, where)
        return _REJECTED
    _report(session, answered, bad, digest, target)
    for file, why in skipped.items():
        say(session, printable(f"not read: {file}: {why}"))
    return _REJECTED if bad or skipped else 0


def _text_column(words: list[str]) -> str:
    column = "text"
    for word in words:
        ours, _, theirs = word.partition("=")
        if ours != "text" or not theirs:
            raise UsageError(f"--map {word!r} does not name the text.", "Write --map text=body.", code="bad_mapping")
        column = theirs
    return column


def _report(session: Session, answered: int, bad: int, digest: str, target: str) -> None:
    where = "standard output" if target == "-" else target
    say(session, f"{answered} row(s) classified by adapter {digest[:12]}, {bad} rejected; the answers are in {where}")


def _check_source(source: str) -> dict[Path, str]:
    """Return what of a folder is not read. Raises `RatchetError` for what is neither a file nor a folder of parts."""
    from ratchet.storage.row_files.parts import parts_of, skipped_of

    if source != "-" and Path(source).is_dir():
        parts_of(Path(source))  # raises where it holds none
    elif source != "-" and not Path(source).is_file():
        raise RatchetError(
            f"{source} {'is not a file' if Path(source).exists() else 'does not exist'}.",
            "Give a file with --input, or - for standard input.",
            code="no_file",
        )
    return {} if source == "-" else skipped_of(Path(source))


def _rows(source: str) -> "Iterator[FileRow]":
    from ratchet.storage.row_files.formats import UnreadableError
    from ratchet.storage.row_files.rows import read_export, rows_of_lines

    if source == "-":
        yield from rows_of_lines(sys.stdin.buffer)
        return
    try:
        yield from read_export(Path(source))
    except UnreadableError as error:
        raise RatchetError(
            f"{source} cannot be read: {error}.", "Give JSON lines, a list, CSV or Parquet.", code="unreadable"
        ) from None


@contextmanager
def _writer(source: str, target: str) -> Iterator[TextIO]:
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
    if source != "-" and path.exists() and path.samefile(source):
        raise RatchetError(
            f"output {target} is the input itself, which would be lost.", "Give another file.", code="bad_output"
        )
    if source != "-" and Path(source).is_dir() and Path(source).resolve() in path.resolve().parents:
        raise RatchetError(
            f"output {target} is inside the input folder, of which every file is read.",
            "Give a file in another folder.",
            code="bad_output",
        )
    stage = path.with_name(f".{path.name}.stage")
    try:
        with stage.open("w", encoding="utf-8") as file:
            yield file
        if stage.stat().st_size or not path.exists():  # nothing never takes the place of something
            stage.replace(path)
    finally:
        stage.unlink(missing_ok=True)
