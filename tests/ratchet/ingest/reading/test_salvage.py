"""The slow path leaves out exactly the lines that cannot be read, and says which."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.digests import digest_file
from ratchet.ingest.reading.salvage import copy_readable_lines, copy_readable_parquet, fingerprint
from ratchet.storage.row_files.formats import MAX_LINE_BYTES


@pytest.mark.parametrize(
    ("content", "crlf", "odd"),
    [
        (b"", False, False),
        (b"a\nb\n", False, False),
        (b"a\r\nb\r\n", True, False),
        (b"a\r\nb", True, False),
        (b"a\r\nb\n", False, True),
        (b"a\rb\n", False, True),
        (b"a\x01b\n", False, True),
        (b"x" * ((1 << 22) - 1) + b"\r\n", True, False),
    ],
)
def test_a_survey_tells_line_ends_apart(tmp_path: Path, content: bytes, crlf: bool, odd: bool) -> None:
    """Also when CR and LF fall into two blocks of reading."""
    path = tmp_path / "file"
    path.write_bytes(content)
    found = fingerprint(path)
    assert (found.crlf, found.odd, found.bytes) == (crlf, odd, len(content))
    assert found.sha256 == digest_file(path)


def test_lines_that_cannot_be_read_are_reported_and_the_rest_is_copied(tmp_path: Path) -> None:
    """Bad bytes, control characters, endless lines; a blank line stands for each."""
    lines = [b"one\r", b"\xff", b"tw\ro", b"three", b"x" * MAX_LINE_BYTES, b"four\x01", b"five"]
    (tmp_path / "in").write_bytes(b"\n".join(lines))
    copy_readable_lines(tmp_path / "in", tmp_path / "out", tmp_path / "bad")
    assert (tmp_path / "out").read_bytes() == b"one\n\n\nthree\n\n\nfive\n"
    bad = [json.loads(line) for line in (tmp_path / "bad").read_text().splitlines()]
    assert [(row["line"], row["reason"][:15]) for row in bad] == [
        (2, "invalid UTF-8"), (3, "the line holds "), (5, "the line is lon"), (6, "the line holds "),
    ]  # fmt: skip
    assert bad[0]["row"] == "\\xff"


def test_parquet_text_is_nulled_where_it_is_no_utf8(tmp_path: Path) -> None:
    """Numbers, nulls, large strings and the rows' places stay; each bad row is reported once, over all batches."""
    count = 70_000
    names = pa.array([b"\xff" if n in {5, 69_999} else b"ok" for n in range(count)], pa.binary()).view(pa.string())
    texts = pa.array(
        [b"\xfe" if n == 5 else None if n == 6 else b"fine" for n in range(count)], pa.large_binary()
    ).view(pa.large_string())
    pq.write_table(pa.table({"n": pa.array(range(count)), "name": names, "text": texts}), tmp_path / "in")
    copy_readable_parquet(tmp_path / "in", tmp_path / "out", tmp_path / "bad")
    bad = [json.loads(line)["line"] for line in (tmp_path / "bad").read_text().splitlines()]
    assert bad == [6, 70_000]
    copy = pq.read_table(tmp_path / "out")
    assert copy["n"].to_pylist() == list(range(count))
    assert [copy["name"].null_count, copy["text"].null_count] == [2, 2]
