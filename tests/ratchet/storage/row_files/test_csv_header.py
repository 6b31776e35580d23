"""The header of a CSV names its columns; Excel's own line before it names the delimiter."""

from pathlib import Path

import pytest

from ratchet.storage.row_files.csv_header import CsvHeader, read_header


@pytest.mark.parametrize(
    ("content", "header"),
    [
        ("a,b\n", CsvHeader(("a", "b"), ",", 1, 0)),
        ("\ufeffa;b\n", CsvHeader(("a", "b"), ";", 1, 0)),
        ("a\tb,c\td\n", CsvHeader(("a", "b,c", "d"), "\t", 1, 0)),
        ("sep=;\na;b\n", CsvHeader(("a", "b"), ";", 2, 1)),
        ('"sep=|"\r\na|b,c,d\r\n', CsvHeader(("a", "b,c,d"), "|", 2, 1)),
        ("\ufeffSEP=,\na,b\n", CsvHeader(("a", "b"), ",", 2, 1)),
        (' "a" , b,\n', CsvHeader(('"a"', "b", "column3"), ",", 1, 0)),
    ],
)
def test_a_header_gives_names_and_delimiter(tmp_path: Path, content: str, header: CsvHeader) -> None:
    """By the marks in its own line."""
    path = tmp_path / "in.csv"
    path.write_text(content, encoding="utf-8", newline="")
    assert read_header(path) == header
