"""Damage is told from other trouble, and a damaged file is never lost."""

from pathlib import Path

import duckdb
import pytest

from ratchet.storage.corruption import is_damage, is_damaged, move_aside


@pytest.mark.parametrize(
    ("sentence", "damage"),
    [
        ("Corrupt database file: computed checksum 1 does not match stored checksum 2", True),
        ('Failure while replaying WAL file "x"', True),
        ('IO Error: The file "x" exists, but it is not a valid DuckDB database file!', True),
        ('IO Error: Could not set lock on file "x": Conflicting lock is held', False),
        ("IO Error: Trying to read a database file with version number 99, but we can only read version 69", False),
        ("Out of Memory Error: failed to allocate", False),
        ('IO Error: Could not write file "x": No space left on device', False),
    ],
)
def test_only_wrong_bytes_are_damage(sentence: str, damage: bool) -> None:
    """A locked, newer or unwritable file must never be moved away."""
    assert is_damage(duckdb.IOException(sentence)) is damage


def test_a_sound_file_is_not_damaged_and_a_turned_byte_shows(tmp_path: Path) -> None:
    """Every block of every table is read."""
    path = tmp_path / "w.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT md5(i::VARCHAR) AS x FROM range(100000) r(i)")
    assert not is_damaged(path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert is_damaged(path)


def test_files_moved_aside_are_numbered_with_their_logs(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    path = tmp_path / "w.duckdb"
    for number in (1, 2):
        path.write_text(f"file {number}")
        path.with_name("w.duckdb.wal").write_text(f"log {number}")
        assert move_aside(path) == tmp_path / f"w.duckdb.corrupt-{number}"
    assert sorted(each.read_text() for each in tmp_path.iterdir()) == ["file 1", "file 2", "log 1", "log 2"]
