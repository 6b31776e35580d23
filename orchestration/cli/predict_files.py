"""Files of `ratchet predict`: where its rows come from, and the file that holds the answers once all are written.

Add here another source or target; rows are classified by `ratchet/workflows/predict_file.py`.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from orchestration.cli.output import abandon_output, is_unicode, printable, say
from orchestration.cli.session import Session
from ratchet.core.errors import RatchetError, UsageError

if TYPE_CHECKING:
    from ratchet.storage.row_files.rows import FileRow
    from ratchet.workflows.predict_file import BadRow


def read_text_column(words: list[str]) -> str:
    """Return the name of the column of texts that `--map` gives, else `text`."""
    column = "text"
    for word in words:
        ours, _, theirs = word.partition("=")
        if ours != "text" or not theirs:
            raise UsageError(f"--map {word!r} does not name the text.", "Write --map text=body.", code="bad_mapping")
        column = theirs
    return column


def check_source(source: str) -> dict[Path, str]:
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


def read_source(source: str) -> "Iterator[FileRow]":
    """Yield the rows of a file, a folder or standard input. Raises `RatchetError` for what cannot be read."""
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
def open_target(source: str, target: str) -> Iterator[TextIO]:
    """Open a file that appears when all is written, or standard output."""
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


def write_answers(rows: "Iterator[dict[str, Any] | BadRow]", output: TextIO) -> tuple[int, int]:
    """Write the answers as JSON lines, and name each bad row on standard error; return the numbers of both."""
    from ratchet.workflows.predict_file import BadRow

    answered, bad = 0, 0
    for row in rows:
        if isinstance(row, BadRow):
            bad += 1
            where = f"line {row.line}{f' of {row.part}' if row.part else ''}"
            print(f"rejected: {where} {row.reason}", file=sys.stderr)  # noqa: T201 - never lost silently
            continue
        answered += 1
        print(json.dumps(row, ensure_ascii=not is_unicode(output)), file=output)
    return answered, bad


def name_skipped(session: Session, skipped: dict[Path, str]) -> None:
    """Name on standard error each file of a folder that is not read, with the reason."""
    for file, why in skipped.items():
        say(session, printable(f"not read: {file}: {why}"))


def need_answers(source: str, target: str, answered: int, bad: int) -> str:
    """Return a sentence where no row was classified and an earlier output stays, else ''.

    Raises `RatchetError` where the source had no row at all.
    """
    if answered or target == "-" or not Path(target).stat().st_size:
        return ""
    kept = f"no row of {source} was classified; {target} stays as it was."
    if not bad:
        raise RatchetError(kept, "Give rows with a text: JSON lines, a list, CSV or Parquet.", code="no_rows")
    return kept
