"""Reports are named by their input and appear whole."""

import json
from pathlib import Path

import pytest

from ratchet.ingest.rejects import reject_name, report_file, report_rows

REPORTED = {"text is empty": 1}


def test_names_are_safe_stable_and_apart() -> None:
    """Odd names are written plainly with a digest; deliveries of one name are told apart by content; none is too
    long."""
    assert reject_name("corrections", "a.jsonl") == "corrections.a.jsonl.jsonl"
    names = {
        reject_name(kind, file, digest)
        for kind in ("production_logs", "corrections")
        for file in ("a.csv", "a_csv", "a/csv", "a\ncsv", "a csv", "x" * 255, "x" * 254)
        for digest in ("", "ab" * 32, "cd" * 32)
    }
    assert len(names) == 2 * 7 * 3
    assert all(len(name) < 200 and name.isascii() and name.isprintable() and "/" not in name for name in names)


def test_a_report_replaces_the_older_one_and_goes_when_nothing_is_left(tmp_path: Path) -> None:
    """The same input again leaves one report; a rescued row leaves none."""

    def write(path: Path) -> dict[str, int]:
        path.write_text("rows\n")
        return REPORTED

    report = tmp_path / "rejected" / "a.jsonl"
    for _ in range(2):
        assert report_rows(report, write, tmp_path / "a.csv") == REPORTED
    assert [path.name for path in report.parent.iterdir()] == ["a.jsonl"]
    assert report_rows(report, lambda _: {}, tmp_path / "a.csv") == {}
    assert list(report.parent.iterdir()) == []


def test_a_report_that_fails_leaves_the_older_one(tmp_path: Path) -> None:
    """Half a report never appears."""
    report = tmp_path / "a.jsonl"
    report.write_text("old\n")

    def fail(path: Path) -> dict[str, int]:
        path.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        report_rows(report, fail, tmp_path / "a.csv")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.jsonl", "old\n")]


def test_a_whole_file_is_one_row_without_a_line(tmp_path: Path) -> None:
    """The same shape as a refused row."""
    report_file(tmp_path / "a.jsonl", "logs.parquet", "the file is empty", tmp_path / "logs.parquet")
    assert json.loads((tmp_path / "a.jsonl").read_text()) == {
        "file": "logs.parquet", "line": None, "reason": "the file is empty", "row": None
    }  # fmt: skip
