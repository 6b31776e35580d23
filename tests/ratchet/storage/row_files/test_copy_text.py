r"""Files in the text format of COPY are read with their escapes undone, and other files of tabs as they stand."""

from pathlib import Path

import pytest

from ratchet.storage.row_files.rows import read_rows

HEADER = "request_id\ttext\tconfidence\n"
WRITTEN: dict[str, tuple[str, list[tuple[str | None, str | None]]]] = {
    "a null and a line end": ("r\\\\1\ta\\nb\t\\N\n", [("a\nb", None)]),
    "a tab, a doubled backslash, a quote in it": ('r\tC:\\\\temp\\tsay "hi"\t0.5\n', [('C:\\temp\tsay "hi"', "0.5")]),
    "line ends alone": ("r\tdear all\\r\\nthanks\t0.5\n", [("dear all\r\nthanks", "0.5")]),
    "the end of a dump": ("r\ta\\\\b\t\\N\n\\.\nr2\tc\t1\n", [("a\\b", None)]),
    "lines of Windows": ("r\ta\\\\b\t\\N\r\nr2\tc\t1\r\n", [("a\\b", None), ("c", "1")]),
    "an escape that is escaped": ("r\ta\\\\nb\t\\N\n", [("a\\nb", None)]),
    "nulls alone": ("r\ta\t\\N\n", [("a", None)]),
    "a path": ("r\tC:\\temp\t0.5\n", [("C:\\temp", "0.5")]),
    "a pattern": ("r\t\\d+\\n\\\\\t0.5\n", [("\\d+\\n\\\\", "0.5")]),
    "a quoted field": ('r\t"a\\nb"\t0.5\n', [("a\\nb", "0.5")]),
    "a null inside a text": ("r\ta\\Nb\\\\\t0.5\n", [("a\\Nb\\\\", "0.5")]),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_escapes_are_undone_only_where_every_backslash_is_one(tmp_path: Path, name: str) -> None:
    """A backslash that is none of them, a quoted field and a null inside a text show a file of another kind."""
    content, expected = WRITTEN[name]
    path = tmp_path / "in.tsv"
    path.write_bytes((HEADER + content).encode())
    found = [(row.values["text"], row.values["confidence"]) for row in read_rows(path) if not row.reason]
    assert [(text, None if number == "\\N" else number) for text, number in found] == expected


def test_commas_are_never_copy_text(tmp_path: Path) -> None:
    """Its delimiter is the tab."""
    (tmp_path / "in.csv").write_text("request_id,text\nr,a\\nb\\\\\n")
    assert [row.values["text"] for row in read_rows(tmp_path / "in.csv")] == ["a\\nb\\\\"]


def test_lines_keep_their_numbers_and_bad_ones_cost_themselves(tmp_path: Path) -> None:
    """One line is one row, whatever its text holds; a damaged one and one with a field too few are named."""
    path = tmp_path / "in.tsv"
    path.write_bytes(HEADER.encode() + b"r1\ta\\nb\\\\\t\\N\nr2\ta\n\nr3\t\xff\t1\nr4\tok\t1\n")
    assert [(row.line, row.reason) for row in read_rows(path)] == [
        (2, ""),
        (3, "cannot be read: the record does not fit the header: missing columns"),
        (5, "cannot be read: invalid UTF-8"),
        (6, ""),
    ]
