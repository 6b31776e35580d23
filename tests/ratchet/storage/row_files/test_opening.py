"""What is wrapped around rows is told by the first bytes of a file, and bounded."""

import gzip
from pathlib import Path

import pytest

from ratchet.storage.row_files.formats import CSV, JSONL, PARQUET, UnreadableError
from ratchet.storage.row_files.opening import ARRAY, DOCUMENTS, LINES, SMALL, open_rows

ROWS = b'{"text": "a"}\n{"text": "b"}\n'


@pytest.mark.parametrize(
    ("content", "form", "layout", "copied"),
    [
        (ROWS, JSONL, LINES, False),
        (b"\xef\xbb\xbf" + ROWS, JSONL, LINES, False),
        (gzip.compress(ROWS, mtime=0), JSONL, LINES, True),
        (ROWS.decode().encode("utf-16"), JSONL, LINES, True),
        (gzip.compress('[{"text": "é"}]'.encode("utf-16"), mtime=0), JSONL, ARRAY, True),
        (b' \n[{"text": "a"}]', JSONL, ARRAY, False),
        (b'\xef\xbb\xbf[{"text": "a"}]', JSONL, ARRAY, True),
        (b'{\n "text": "a"\n}\n{\n "text": "b"\n}\n', JSONL, DOCUMENTS, False),
        (b'[1, 2]\n{"text": "a"}\n', JSONL, LINES, False),
        (b"[text]\n", CSV, LINES, False),
        (b"", CSV, LINES, False),
    ],
)
def test_a_file_is_made_plain(tmp_path: Path, content: bytes, form: str, layout: str, copied: bool) -> None:
    """Packed, in UTF-16, a list: whatever of it is not plain is written anew, in UTF-8."""
    (tmp_path / "in").write_bytes(content)
    opened = open_rows(tmp_path / "in", form, tmp_path)
    assert (opened.form, opened.layout, opened.copied) == (form, layout, copied)
    assert not copied or opened.path.read_bytes().isascii() or "é" in opened.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"\xd0\xcf\x11\xe0rest", "old Excel workbook"),
        (b"\x28\xb5\x2f\xfdrest", "zstd"),
        (b"BZh9rest", "bzip2"),
        (b"Obj\x01rest", "Avro"),
        (gzip.compress(ROWS * 99, mtime=0)[:-9], "cannot be unpacked to its end"),
        (gzip.compress(ROWS, mtime=0) + b"junk", "cannot be unpacked to its end"),
    ],
)
def test_what_is_no_file_of_rows_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    """With what to do instead."""
    (tmp_path / "in").write_bytes(content)
    with pytest.raises(UnreadableError, match=reason):
        open_rows(tmp_path / "in", CSV, tmp_path)


def test_parquet_under_another_name_is_parquet(tmp_path: Path) -> None:
    """Its first bytes say so."""
    (tmp_path / "in").write_bytes(b"PAR1 rest")
    assert open_rows(tmp_path / "in", CSV, tmp_path).form == PARQUET


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    """A quarter of a gigabyte of zeros in a quarter of a megabyte stops early."""
    path = tmp_path / "in"
    path.write_bytes(gzip.compress(b"\0" * (16 << 20)) * 16)
    with pytest.raises(UnreadableError, match="unpacks to more than"):
        open_rows(path, CSV, tmp_path)
    assert (tmp_path / "unpacked").stat().st_size <= max(SMALL, 200 * path.stat().st_size)
