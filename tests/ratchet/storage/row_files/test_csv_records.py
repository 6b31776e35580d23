"""Each record of a CSV has the line on which it begins, and each line that is in none is named."""

from pathlib import Path

import pytest

from ratchet.storage.row_files.csv_header import read_header
from ratchet.storage.row_files.csv_records import BAD_TEXT, RAGGED, UNCLOSED, read_records
from ratchet.storage.row_files.formats import MAX_LINE_BYTES

TABLE: dict[str, tuple[bytes, list[tuple[int, object]]]] = {
    "plain": (b"a,b\n1,x\n2,y", [(2, ("1", "x")), (3, ("2", "y"))]),
    "line ends of Windows": (b"a,b\r\n1,x\r\n\r\n2,y\r\n", [(2, ("1", "x")), (4, ("2", "y"))]),
    "line ends of an old Mac": (b"a,b\r1,x\r2,y\r", [(2, ("1", "x")), (3, ("2", "y"))]),
    "line breaks in a text": (b'a,b\n1,"x\n\ny"\n2,z\n', [(2, ("1", "x\n\ny")), (5, ("2", "z"))]),
    "Excel's own line": (b"sep=;\na;b\n1;x\n", [(3, ("1", "x"))]),
    "ragged": (b"a,b\n1\n2,y\n3,z,z\n", [(2, RAGGED), (3, ("2", "y")), (4, RAGGED)]),
    "bad bytes": (b"a,b\n1,\xff\n2,y\n", [(2, BAD_TEXT), (3, ("2", "y"))]),
    "an unclosed quote": (b'a,b\n1,x\n2,"y\n3,z\n', [(2, ("1", "x")), (3, UNCLOSED), (4, UNCLOSED)]),
    "up to the next quote": (
        b'a,b\n1,"x\n2,y\n\n3,"z"\n4,w\n',
        [(2, UNCLOSED), (3, UNCLOSED), (5, UNCLOSED), (6, ("4", "w"))],
    ),
    "a quote in its own line": (b'a,b\n1,"x"y\n2,z\n', [(2, RAGGED), (3, ("2", "z"))]),
    "quotes inside": (b'a,b\n1,"say ""x"""\n2,5" pipe\n', [(2, ("1", 'say "x"')), (3, ("2", '5" pipe'))]),
    "quotes as Spark escapes them": (
        b'a,b\n1,"say \\"x\\", or\ny"\n2,C:\\\\x\n',
        [(2, ("1", 'say "x", or\ny')), (4, ("2", "C:\\x"))],
    ),
    "a text that ends in a backslash": (b'a,b\n1,"C:\\"\n2\n', [(2, ("1", "C:\\")), (3, RAGGED)]),
    "nothing": (b"a,b\n", []),
}


@pytest.mark.parametrize("name", TABLE)
def test_records_have_the_lines_of_the_file(tmp_path: Path, name: str) -> None:
    """What one quote swallowed is counted line by line, so that nothing is lost unseen."""
    content, expected = TABLE[name]
    path = tmp_path / "in.csv"
    path.write_bytes(content)
    found = list(read_records(path, read_header(path)))
    assert [record.line for record in found] == [line for line, _ in expected]
    for record, (_, what) in zip(found, expected, strict=True):
        assert record.reason.startswith(what) if isinstance(what, str) else record.values == what
        assert bool(record.text) == bool(record.reason)


def test_a_quote_swallows_no_more_than_a_long_line(tmp_path: Path) -> None:
    """After so many bytes the lines are records again."""
    path = tmp_path / "in.csv"
    line = b"2," + b"y" * 65_000 + b"\n"
    path.write_bytes(b'a,b\n1,"x\n' + line * (MAX_LINE_BYTES // len(line) + 20))
    found = list(read_records(path, read_header(path)))
    assert found[0].reason == f"{UNCLOSED} 2"
    assert found[-1].values[0] == "2"
    assert sum(bool(record.reason) for record in found) < len(found) - 10
