"""The drop folder is a stranger's: links, pipes and exchanged files give nobody's secrets away."""

import json
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.row_files.formats import UnreadableError
from ratchet.storage.row_files.plain_files import hold_plain_file
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier

KEY = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI\n"


@pytest.fixture
def small(tmp_path: Path) -> SmallClassifier:
    """A classifier with a week, and a secret beside it."""
    home = Home(tmp_path / "home")
    found = SmallClassifier(home)
    found.write()
    found.write_week(date(2026, 1, 5))
    home.signing_key.write_text(KEY)
    return found


def take(small: SmallClassifier) -> int:
    """Ingest what lies in the landing folders; how many rows were accepted."""
    taken = Landing(small.home, open_warehouse(small.home, small.name)).take(Specs(small.home)[small.name])
    return sum(result.accepted for result in taken)


STRANGE: dict[str, Callable[[Path, Path], None]] = {
    "a link to a key": lambda path, key: path.symlink_to(key),
    "a relative link": lambda path, key: path.symlink_to(os.path.relpath(key, path.parent)),
    "a link to a link": lambda path, key: (path.with_name("a.txt").symlink_to(key), path.symlink_to("a.txt"))[1],
    "a link to itself": lambda path, key: path.symlink_to(path),
    "a link to nothing": lambda path, key: path.symlink_to("/nowhere"),
    "a link to a folder": lambda path, key: path.symlink_to(key.parent),
    "a pipe": lambda path, key: os.mkfifo(path),
    "a folder": lambda path, key: path.mkdir(),
}


@pytest.mark.parametrize("strange", STRANGE)
@pytest.mark.parametrize("name", ["dropped.jsonl", "dropped.csv", "dropped.parquet"])
def test_nothing_but_a_plain_file_is_read(small: SmallClassifier, strange: str, name: str) -> None:
    """Each is named in `rejected/`, nothing of the key is anywhere below the classifier, and the others are taken."""
    STRANGE[strange](small.home.landing(small.name, "production_logs") / name, small.home.signing_key)
    assert take(small) > 0
    lines = [line for path in small.home.rejected(small.name).iterdir() for line in path.read_text().splitlines()]
    reports = [json.loads(line) for line in lines]
    assert [report["row"] for report in reports if report["file"] == name] == [None]
    held = (path for path in small.folder.rglob("*") if path.is_file() and not path.is_symlink())
    assert [path for path in held if b"MC4CAQAw" in path.read_bytes()] == []


def test_a_file_that_is_exchanged_while_it_is_read_stays_the_one_that_was_opened(tmp_path: Path) -> None:
    """A link that takes its place after the check is not followed."""
    dropped, key = tmp_path / "dropped.jsonl", tmp_path / "key.pem"
    dropped.write_text("mine")
    key.write_text(KEY)
    with hold_plain_file(dropped) as held:
        dropped.unlink()
        dropped.symlink_to(key)
        assert held.read_text() == "mine"
    with pytest.raises(UnreadableError, match="symbolic link"), hold_plain_file(dropped):
        pass


def test_rejected_rows_have_no_more_readers_than_their_file(small: SmallClassifier) -> None:
    """A file of its owner's alone, and one that the group may read."""
    folder = small.home.landing(small.name, "production_logs")
    for name, mode in (("private.jsonl", 0o600), ("shared.jsonl", 0o640)):
        (folder / name).write_text('{"request_id": "r", "text": "card 4111 1111 1111 1111"}\n')
        (folder / name).chmod(mode)
    for above in (folder, *folder.parents):
        if above.stat().st_uid == os.getuid() and above != Path("/"):
            above.chmod(above.stat().st_mode | 0o050)
    take(small)
    modes = {path.name.split(".")[1]: path.stat().st_mode & 0o777 for path in small.home.rejected(small.name).iterdir()}
    assert modes["private"] == 0o600
    assert modes["shared"] & 0o007 == 0
