"""Folders of parts, as Spark, BigQuery and Snowflake write one export: `part-00000-....parquet` beside `_SUCCESS`.

Add here another way to lay out the parts of one export. Each part is read as a file of its own.
"""

from collections.abc import Iterator
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.storage.row_files.formats import SUFFIXES, form_of

SUCCESS = "_SUCCESS"
"""File that Spark writes last: the folder is complete."""
_MOST_PARTS = 10_000
_DEPTH = 3
_TABLES = {
    "_delta_log": "a Delta table, which also holds rows that were deleted",
    "metadata": "an Iceberg table, which also holds rows that were deleted",
    "_temporary": "being written",
}


def parts_of(path: Path) -> list[Path]:
    """Return `path`, or the parts of a folder by name; marks, checksums and hidden files are none.

    Folders named `column=value` are looked into. Raises `RatchetError` for a folder that is not an export.
    """
    if not path.is_dir():
        return [path]
    for name, what in _TABLES.items():
        if (path / name).is_dir():
            raise RatchetError(
                f"{path} is a folder that is {what}.",
                "Export its rows as Parquet (in Spark: frame.write.parquet), and give that folder once it is complete.",
                code="no_file",
            )
    parts = sorted(_below(path, _DEPTH))
    if not parts or len(parts) > _MOST_PARTS:
        found = f"with more than {_MOST_PARTS} files" if parts else "without a file of rows"
        raise RatchetError(
            f"{path} is a folder {found}.", f"Give a file that ends in {', '.join(SUFFIXES)}, or a folder of them.",
            code="no_file",
        )  # fmt: skip
    return parts


def skipped_of(path: Path) -> dict[Path, str]:
    """Return what of a folder is not among its parts, each with the reason; marks and hidden files are not named."""
    return dict(sorted(_skipped(path, _DEPTH))) if path.is_dir() else {}


def is_complete_export(path: Path) -> bool:
    """Return True for a folder, not a link to one, that its writer marked as complete."""
    return path.is_dir() and not path.is_symlink() and (path / SUCCESS).is_file()


def dropped_parts(folder: Path) -> list[Path]:
    """Return the parts of a complete export that was dropped into a landing folder, by name.

    Folders in it are among them, so that whoever takes the parts reports what is not a file.
    """
    return sorted(filter(_is_part, folder.iterdir()))


def _below(folder: Path, depth: int) -> list[Path]:
    found: list[Path] = []
    for path in folder.iterdir():
        if path.is_dir():
            found += _below(path, depth - 1) if depth and "=" in path.name else []
        elif _is_part(path) and form_of(path.name):
            found.append(path)
    return found


def _skipped(folder: Path, depth: int) -> Iterator[tuple[Path, str]]:
    for path in filter(_is_part, folder.iterdir()):
        if not path.is_dir():
            if not form_of(path.name):
                yield path, f"its name does not end in {', '.join(SUFFIXES)}"
        elif "=" not in path.name:
            yield path, "folders in a folder of parts are read only where they are named column=value"
        elif not depth:
            yield path, f"it is more than {_DEPTH} folders deep"
        else:
            yield from _skipped(path, depth - 1)


def _is_part(path: Path) -> bool:
    return not path.name.startswith(("_", ".")) and not path.name.endswith(".crc")
