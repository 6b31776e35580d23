"""Names in a landing folder tell ours from theirs, and in what order to load."""

from pathlib import Path

from ratchet.ingest.manifest import ManifestEntry
from ratchet.ingest.segment_names import (
    arrivals,
    is_segment,
    next_seq,
    segment_name,
    staged,
    sweep_staged,
    takeable,
    unchanged,
    why_not,
)

DIGEST = "ab" * 32


def landed(path: Path, sha256: str = DIGEST) -> ManifestEntry:
    """A manifest line of `path` as it is now."""
    stat = path.stat()
    return ManifestEntry(
        7, "corrections", path.name, sha256, stat.st_size, stat.st_mtime_ns, ("a", "b"), 10, "2026-03-01T00:00:00+00:00"
    )


def test_a_segment_names_its_number_and_content() -> None:
    """Names sort by number, and a foreign file of that form is told by its content."""
    name = segment_name(12, DIGEST)
    assert name == "00000012-abababababababab.parquet"
    assert is_segment(name)
    assert is_segment(name, DIGEST)
    assert not is_segment(name, "cd" * 32)
    assert not is_segment("logs.parquet")


def test_numbers_go_on_after_the_manifest_and_after_unrecorded_segments(tmp_path: Path) -> None:
    """A segment whose writer was killed before the manifest still counts; the clock never does."""
    assert next_seq([], [tmp_path, tmp_path / "absent"]) == 1
    (tmp_path / segment_name(9, DIGEST)).write_bytes(b"x")
    (tmp_path / "logs.parquet").write_bytes(b"x")
    assert next_seq([landed(tmp_path / "logs.parquet")], [tmp_path]) == 10


def test_arrivals_come_in_manifest_order_then_by_name_without_dot_files(tmp_path: Path) -> None:
    """What was recorded first is loaded first; a writer's dot-file is not there yet."""
    for name in ("b.jsonl", "a.csv", "z.parquet", ".half.parquet"):
        (tmp_path / name).write_bytes(b"x")
    known = {"z.parquet": landed(tmp_path / "z.parquet")}
    assert [path.name for path in arrivals(tmp_path, known, [])] == ["z.parquet", "a.csv", "b.jsonl"]
    assert arrivals(tmp_path / "absent", {}, []) == []


def test_what_is_done_arrives_again_only_where_it_can_have_changed(tmp_path: Path) -> None:
    """A file of others is looked at each time; our own segment never changes, so nothing of it is read."""
    names = (segment_name(1, DIGEST), f"gateway-{DIGEST[:16]}.parquet", "theirs.jsonl")
    known = {}
    for name in names:
        (tmp_path / name).write_bytes(b"x")
        known[name] = landed(tmp_path / name)
    done = [(each.file, each.sha256) for each in known.values()]
    assert arrivals(tmp_path, known, done) == []
    for name in names:
        (tmp_path / name).write_bytes(b"xy")
    assert [path.name for path in arrivals(tmp_path, known, done)] == ["theirs.jsonl"]
    assert sorted(path.name for path in arrivals(tmp_path, known, [])) == sorted(names)


def test_only_a_killed_writers_own_leftovers_are_swept(tmp_path: Path) -> None:
    """The gateway's dot-files are none of ours."""
    staged(tmp_path).write_bytes(b"half")
    (tmp_path / ".gateway.parquet").write_bytes(b"x")
    sweep_staged(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".gateway.parquet"]


def test_what_is_not_takeable_says_why(tmp_path: Path) -> None:
    """Suffixes in any case; folders and other formats are refused."""
    (tmp_path / "LOGS.JSONL").write_bytes(b"x")
    (tmp_path / "logs.txt").write_bytes(b"x")
    (tmp_path / "logs.csv").mkdir()
    assert takeable(tmp_path / "LOGS.JSONL")
    assert not takeable(tmp_path / "logs.txt")
    assert "does not end in one of .parquet, .jsonl, .ndjson" in why_not(tmp_path / "logs.txt")
    assert "a folder without _SUCCESS" in why_not(tmp_path / "logs.csv")


def test_a_file_is_read_again_when_its_length_or_time_changed(tmp_path: Path) -> None:
    """A refused name is looked at again once it can be taken."""
    path = tmp_path / "logs.csv"
    path.write_bytes(b"x")
    before = landed(path)
    assert unchanged(path, before)
    path.write_bytes(b"xy")
    assert not unchanged(path, before)
    assert not unchanged(path, landed(path, sha256=""))
