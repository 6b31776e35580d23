"""A look is spared only where it could find nothing: every way in which rows can appear ends the quiet."""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ratchet.config.spec import Label, Spec
from ratchet.data.row_rules import LOST_AFTER
from ratchet.ingest.landing import Landing
from ratchet.ingest.quiet_folders import is_quiet
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.testing.homes import write_lines

SPEC = Spec("tickets", (Label("a"), Label("b")))
NOW = datetime(2026, 3, 1, tzinfo=UTC)
LONG_AGO = time.time() - 3600


def log(number: int) -> dict[str, str]:
    """A production log."""
    return {"request_id": f"r{number}", "ts": "2026-02-02T10:00:00Z", "text": f"text {number}", "label": "a"}


def correct(number: int) -> dict[str, object]:
    """A correction of it."""
    row = {"request_id": f"r{number}", "ts": "2026-02-03T10:00:00Z", "label": "b"}
    return {**row, "annotator": "ann", "saw_prediction": False}


def age(home: Home, since: float = LONG_AGO) -> None:
    """Let everything be an hour old."""
    for path in (home.root, *home.root.rglob("*")):
        os.utime(path, (since, since))


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    """A folder that is quiet: one file of logs was taken, and a look has found nothing since."""
    home = Home(tmp_path)
    write_lines(home.landing("tickets", "production_logs") / "logs.jsonl", [log(1)])
    home.landing("tickets", "corrections").mkdir()
    found = Landing(home, open_warehouse(home, "tickets"))
    assert [each.accepted for each in found.take(SPEC, now=NOW)] == [1]
    age(home)
    assert found.take(SPEC, now=NOW) == []
    assert is_quiet(home, SPEC, NOW)
    return found


def logs(home: Home) -> Path:
    """The landing folder of logs."""
    return home.landing("tickets", "production_logs")


CHANGES: dict[str, Callable[[Home], object]] = {
    "a new file": lambda home: write_lines(logs(home) / "more.jsonl", [log(2)]),
    "a new file of corrections": lambda home: write_lines(
        home.landing("tickets", "corrections") / "c.jsonl", [correct(1)]
    ),
    "a file that grows in place": lambda home: write_lines(logs(home) / "logs.jsonl", [log(1), log(2)]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_arrives_is_taken_at_the_next_look(landing: Landing, change: str) -> None:
    """One row is accepted, and the look after it finds nothing."""
    CHANGES[change](landing.home)
    assert not is_quiet(landing.home, SPEC, NOW)
    assert sum(each.accepted for each in landing.take(SPEC, now=NOW)) == 1
    assert landing.take(SPEC, now=NOW) == []


def test_a_lost_warehouse_ends_the_quiet(landing: Landing) -> None:
    """The look after it rebuilds the rows."""
    landing.home.warehouse("tickets").unlink()
    assert not is_quiet(landing.home, SPEC, NOW)
    assert landing.take(SPEC, now=NOW) == []
    assert landing.warehouse.count("production_logs", "tickets") == 1


@pytest.mark.parametrize("content", [b"", b"{torn", None])
def test_lost_counts_end_the_quiet(landing: Landing, content: bytes | None) -> None:
    """The look after it counts again."""
    intake = landing.home.intake("tickets")
    counts = intake.read_bytes()
    intake.unlink() if content is None else intake.write_bytes(content)
    assert not is_quiet(landing.home, SPEC, NOW)
    assert landing.take(SPEC, now=NOW) == []
    assert intake.read_bytes() == counts


def test_rows_that_wait_end_the_quiet_in_their_time(landing: Landing) -> None:
    """The clock reaches them without a file changing; those that wait for their log come with its file, or are lost."""
    corrections = landing.home.landing("tickets", "corrections")
    for name, row, until in (
        ("early.jsonl", correct(7), NOW + LOST_AFTER),
        ("ahead.jsonl", {**correct(1), "ts": "2026-03-01T00:10:00Z"}, NOW + timedelta(minutes=10)),
    ):
        write_lines(corrections / name, [row])
        landing.take(SPEC, now=NOW)
        age(landing.home)
        assert landing.take(SPEC, now=NOW) == []
        assert [is_quiet(landing.home, SPEC, at) for at in (NOW, until - timedelta(seconds=1), until)] == [
            True,
            True,
            False,
        ]


@pytest.mark.parametrize(
    "changes", [{"max_text_chars": 9000}, {"label": (*SPEC.label, Label("c"))}, {"people": {"ann": ()}}]
)
def test_another_specification_ends_the_quiet(landing: Landing, changes: dict[str, Any]) -> None:
    """What it refused before it may take now."""
    assert not is_quiet(landing.home, replace(SPEC, **changes), NOW)


def test_a_folder_that_changed_a_moment_ago_is_not_yet_quiet(landing: Landing) -> None:
    """Within one step of the file system's clock another file could come without a new time."""
    write_lines(logs(landing.home) / "more.jsonl", [log(2)])
    landing.take(SPEC, now=NOW)
    assert landing.take(SPEC, now=NOW) == []
    assert not is_quiet(landing.home, SPEC, NOW)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_a_segment_that_could_not_be_read_is_tried_again_though_nothing_changed(
    landing: Landing, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its rights, a bad sector or too many open files: none of them shows in the folder."""
    other = Home(tmp_path_factory.mktemp("other"))
    write_lines(other.root / "rows.jsonl", [log(9)])
    Landing(other, open_warehouse(other, "tickets")).deliver(
        SPEC, "production_logs", other.root / "rows.jsonl", now=NOW
    )
    (made,) = logs(other).glob("*.parquet")
    segment = Path(shutil.copy(made, logs(landing.home)))
    segment.chmod(0)
    for _ in range(3):
        age(landing.home, LONG_AGO + 60)
        assert [each.rejected for each in landing.take(SPEC, now=NOW)] == [1]
    segment.chmod(0o600)
    assert sum(each.accepted for each in landing.take(SPEC, now=NOW)) == 1
