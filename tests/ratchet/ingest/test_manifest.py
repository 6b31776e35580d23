"""The manifest remembers each file's place and terms, and survives a torn tail."""

from datetime import UTC, datetime
from pathlib import Path

from ratchet.data.records import Terms
from ratchet.ingest.manifest import ManifestEntry, append_entry, follow_manifest, read_manifest


def line(seq: int) -> ManifestEntry:
    """A manifest line."""
    return ManifestEntry(seq, "corrections", "a\nü.csv", "ab" * 32, 3, 5, ("a", "b"), 10, "2026-03-01T00:00:00+00:00")


def test_what_is_appended_is_read_back_in_order(tmp_path: Path) -> None:
    """Names with line breaks too; the terms come back as they were."""
    path = tmp_path / "landing.jsonl"
    assert read_manifest(path) == []
    for seq in (1, 2):
        append_entry(path, line(seq))
    assert read_manifest(path) == [line(1), line(2)]
    assert read_manifest(path)[0].terms == Terms(("a", "b"), 10, datetime(2026, 3, 1, tzinfo=UTC))


def test_a_torn_tail_is_passed_over_and_written_over(tmp_path: Path) -> None:
    """A crash in the middle of an append costs that line only, which had not been acted on."""
    path = tmp_path / "landing.jsonl"
    append_entry(path, line(1))
    with path.open("ab") as file:
        file.write(b'{"seq": 2, "ki')
    assert read_manifest(path) == [line(1)]
    append_entry(path, line(3))
    assert read_manifest(path) == [line(1), line(3)]


def test_a_process_that_follows_the_manifest_sees_what_a_fresh_one_reads(tmp_path: Path) -> None:
    """After each append, a torn tail and its cut, a copy of a backup, an edit in place, and its loss."""
    path = tmp_path / "landing.jsonl"

    def agree() -> list[int]:
        read = read_manifest(path)
        assert follow_manifest(path) == read
        follow_manifest(path).append(line(99))  # what a caller adds to its list is its own
        assert follow_manifest(path) == read
        return [each.seq for each in read]

    assert agree() == []
    for seq in (1, 2, 3):
        append_entry(path, line(seq))
        assert agree() == [*range(1, seq + 1)]
    with path.open("ab") as file:
        file.write(b'{"seq": 4, "ki')
    assert agree() == [1, 2, 3]
    append_entry(path, line(5))
    assert agree() == [1, 2, 3, 5]
    backup = tmp_path / "backup.jsonl"
    for seq in (1, 2, 6, 7, 8):
        append_entry(backup, line(seq))
    backup.replace(path)
    assert agree() == [1, 2, 6, 7, 8]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[3:]))
    assert agree() == [7, 8]
    path.unlink()
    assert agree() == []


def test_a_line_without_its_line_break_is_no_line(tmp_path: Path) -> None:
    """The next append cuts it, so no reader may rely on it, though nothing else of it is missing."""
    path = tmp_path / "landing.jsonl"
    append_entry(path, line(1))
    append_entry(path, line(2))
    path.write_bytes(path.read_bytes()[:-1])
    assert read_manifest(path) == [line(1)]
