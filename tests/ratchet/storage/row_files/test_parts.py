"""A folder of parts is one export; what is not an export is refused with what to do."""

from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.storage.row_files.parts import dropped_parts, is_complete_export, parts_of, skipped_of


def make(folder: Path, *names: str) -> Path:
    """A folder with these empty files."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_marks_and_checksums_of_spark_are_no_parts(tmp_path: Path) -> None:
    """The parts come by name, also those of folders by column."""
    folder = make(
        tmp_path / "out", "_SUCCESS", "._SUCCESS.crc", ".part-1.parquet.crc", "part-1.parquet", "part-0.parquet",
        "day=2026-03-02/part-2.json.gz", "other/part-3.csv", "notes.txt",
    )  # fmt: skip
    found = [str(path.relative_to(folder)) for path in parts_of(folder)]
    assert found == ["day=2026-03-02/part-2.json.gz", "part-0.parquet", "part-1.parquet"]
    assert is_complete_export(folder)
    dropped = [path.name for path in dropped_parts(folder)]
    assert dropped == ["day=2026-03-02", "notes.txt", "other", "part-0.parquet", "part-1.parquet"]
    assert list(skipped_of(folder)) == [folder / "notes.txt", folder / "other"]
    assert skipped_of(folder / "part-0.parquet") == {}
    assert parts_of(folder / "part-0.parquet") == [folder / "part-0.parquet"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("part-1.csv.bz2", "does not end in"), ("part-2.txt", "does not end in"), ("part-3", "does not end in"),
        ("sub/part.csv", "column=value"), ("a=1/b=2/c=3/d=4/part.csv", "folders deep"), ("a=1/x/part.csv", "column="),
        ("_SUCCESS", ""), (".part-0.csv.crc", ""), ("part.crc", ""), (".hidden/part.csv", ""), ("_logs/part.csv", ""),
    ],
)  # fmt: skip
def test_each_file_of_a_folder_is_read_or_named(tmp_path: Path, name: str, reason: str) -> None:
    """None is left out without a word, except marks, checksums and hidden files."""
    folder = make(tmp_path / "out", "part-0.csv", name)
    assert parts_of(folder) == [folder / "part-0.csv"]
    found = list(skipped_of(folder).values())
    assert len(found) == bool(reason)
    assert all(reason in each for each in found)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("_delta_log/0.json", "Delta table"),
        ("metadata/v1.metadata.json", "Iceberg table"),
        ("_temporary/0/x", "being written"),
        ("notes.txt", "without a file of rows"),
    ],
)
def test_a_folder_that_is_no_export_is_refused(tmp_path: Path, name: str, what: str) -> None:
    """A table of a lake holds rows that were deleted; a folder that is being written is not whole."""
    with pytest.raises(RatchetError, match=what) as error:
        parts_of(make(tmp_path / "out", name))
    assert error.value.hint


def test_a_link_is_no_complete_export(tmp_path: Path) -> None:
    """It could lead to files that whoever dropped it may not read."""
    (tmp_path / "link").symlink_to(make(tmp_path / "out", "_SUCCESS", "part-0.csv"))
    assert not is_complete_export(tmp_path / "link")
