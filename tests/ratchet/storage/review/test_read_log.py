"""Readings of texts: each is a line before the text is shown, and a torn line costs only itself."""

from pathlib import Path

from ratchet.storage.home import Home
from ratchet.storage.review.read_log import ReadLog, count_by_day


def test_readings_are_counted_by_key_page_and_day(tmp_path: Path) -> None:
    """A kill in the middle of a line leaves the others; the log holds ids and no text."""
    log = ReadLog(Home(tmp_path), "small")
    assert log.read() == []
    log.append("ann", "ann", "review", ["r1"])
    (path,) = (tmp_path / "small" / "review").glob("reads-*.jsonl")
    with path.open("ab") as file:
        file.write(b'0000 {"torn')
    log.append("ann", "ann", "review", ["r2", "r3"])
    log.append("ops", "bob", "why", ["r1"])
    log.append("ann", "ann", "review", ["r1"])
    found = [(each.key, each.page, number) for each, number in count_by_day(log.read())]
    assert sorted(found) == [("ann", "review", 4), ("ops", "why", 1)]
    assert [each.request_ids for each in log.read()] == [("r1",), ("r2", "r3"), ("r1",), ("r1",)]
