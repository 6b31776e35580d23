"""A process killed at any named line leaves a state that the next run completes, with nothing lost, doubled or left
over."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.failpoints import NAMES, VARIABLE
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home

ROOT = Path(__file__).parents[3]
TABLES = ("production_logs", "corrections", "ingested_files")


def work(root: Path, inbox: Path, way: str) -> None:
    """What is killed: two deliveries, or nothing but a take of what was dropped in."""
    home = Home(root)
    landing = Landing(home, open_warehouse(home, "tickets"))
    spec, now = Spec("tickets", (Label("a"), Label("b"))), datetime(2026, 3, 1, tzinfo=UTC)
    if way == "deliver":
        for kind, name in (("corrections", "early.jsonl"), ("production_logs", "logs.jsonl")):
            landing.deliver(spec, kind, inbox / name, now=now)
    landing.take(spec, now=now)


def make_inbox(folder: Path) -> None:
    """Logs, one of them bad, and corrections, one of which comes before its log and one bad."""
    folder.mkdir(parents=True)
    logs = [
        {"request_id": f"r{n}", "ts": "2026-02-02T10:00:00Z", "text": f"text {n}", "label": "a" if n else "nonsense"}
        for n in range(5)
    ]
    corrections = [
        {
            "request_id": f"r{n}",
            "ts": "2026-02-03T10:00:00Z",
            "label": "b",
            "annotator": "ann" if n else "",
            "saw_prediction": False,
        }
        for n in (0, 1, 9)
    ]
    (folder / "logs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in logs))
    (folder / "early.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corrections))


def prepare(home: Home, inbox: Path, way: str) -> None:
    """For the way `take` the same files lie in the landing folders."""
    make_inbox(inbox)
    if way == "take":
        for kind, name in (("corrections", "early.jsonl"), ("production_logs", "logs.jsonl")):
            folder = home.landing("tickets", kind)
            folder.mkdir(parents=True)
            (folder / name).write_bytes((inbox / name).read_bytes())


def killed(home: Home, inbox: Path, way: str, failpoint: str) -> int:
    """Do the work in a process that kills itself at `failpoint`; its exit status, negative for a signal."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: f"{failpoint}:kill"}
    command = [sys.executable, __file__, str(home.root), str(inbox), way]
    return subprocess.run(command, env=environment, check=False).returncode


def state(home: Home) -> dict[str, Any]:
    """All rows of all tables and every file with its content, but for times and the warehouse itself."""
    with open_warehouse(home, "tickets").connect() as connection:
        tables = {table: sorted(connection.execute(f"FROM {table}").fetchall(), key=str) for table in TABLES}
    files = {
        str(path.relative_to(home.root)): path.read_bytes()
        for path in sorted((home.root / "tickets").rglob("*"))
        if path.is_file() and path.name != "landing.jsonl" and "warehouse.duckdb" not in path.name
    }
    manifest = [json.loads(line) for line in home.manifest("tickets").read_text().splitlines()]
    return {
        **tables,
        "files": files,
        "manifest": [(row["seq"], row["kind"], row["file"], row["sha256"]) for row in manifest],
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each way comes to when nothing happens."""
    states = {}
    for way in ("deliver", "take"):
        folder = tmp_path_factory.mktemp(way)
        home = Home(folder / "home")
        prepare(home, folder / "inbox", way)
        work(home.root, folder / "inbox", way)
        states[way] = state(home)
        assert [len(states[way][table]) for table in TABLES] == [4, 1, 2]
    return states


KILLS = [(way, name) for way in ("deliver", "take") for name in NAMES if name.split(".")[0] in {"landing", "warehouse"}]
KILLS.remove(("take", "landing.after_segment"))


@pytest.mark.parametrize(("way", "failpoint"), KILLS)
def test_a_run_killed_at_a_failpoint_is_completed_by_the_next(
    tmp_path: Path, undisturbed: dict[str, dict[str, Any]], way: str, failpoint: str
) -> None:
    """Each failpoint is reached (the process dies of SIGKILL there), and running again gives exactly the undisturbed
    state."""
    home, inbox = Home(tmp_path / "home"), tmp_path / "inbox"
    prepare(home, inbox, way)
    assert killed(home, inbox, way, failpoint) == -signal.SIGKILL
    work(home.root, inbox, way)
    assert state(home) == undisturbed[way]


def test_a_kill_at_every_later_visit_of_a_failpoint_is_survived_too(
    tmp_path: Path, undisturbed: dict[str, dict[str, Any]]
) -> None:
    """Killed again and again before each commit, the work still gets done once the killing ends: no step is ever done
    twice."""
    home, inbox = Home(tmp_path / "home"), tmp_path / "inbox"
    prepare(home, inbox, "take")
    for failpoint in ("landing.after_commit", "landing.before_commit", "landing.after_commit", "landing.after_rejects"):
        assert killed(home, inbox, "take", failpoint) in {-signal.SIGKILL, 0}
    work(home.root, inbox, "take")
    assert state(home) == undisturbed["take"]


def test_a_torn_manifest_line_and_a_staged_segment_are_cleared_away(
    tmp_path: Path, undisturbed: dict[str, dict[str, Any]]
) -> None:
    """What a power cut leaves in the middle of a write is neither taken nor kept."""
    home, inbox = Home(tmp_path / "home"), tmp_path / "inbox"
    prepare(home, inbox, "take")
    home.manifest("tickets").write_bytes(b'{"seq": 1, "kind": "produ')
    (home.landing("tickets", "production_logs") / ".segment-stage.tmp").write_bytes(b"PAR1 half")
    work(home.root, inbox, "take")
    assert state(home) == undisturbed["take"]


@pytest.mark.parametrize("way", ["deliver", "take"])
def test_a_lost_warehouse_comes_back_equal(tmp_path: Path, undisturbed: dict[str, dict[str, Any]], way: str) -> None:
    """Whether rows were delivered or dropped in, and though a correction was rescued: rebuilt, all tables are the
    same."""
    home, inbox = Home(tmp_path / "home"), tmp_path / "inbox"
    prepare(home, inbox, way)
    work(home.root, inbox, way)
    home.warehouse("tickets").unlink()
    assert state(home) == undisturbed[way]


def test_a_file_that_vanished_or_changed_is_said_and_costs_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A rebuild takes what is still there; changed content is a new arrival for the next take."""
    home, inbox = Home(tmp_path / "home"), tmp_path / "inbox"
    prepare(home, inbox, "take")
    work(home.root, inbox, "take")
    (home.landing("tickets", "corrections") / "early.jsonl").unlink()
    Landing(home, open_warehouse(home, "tickets")).warehouse.rebuild()
    assert "early.jsonl is gone" in caplog.text
    found = state(home)
    assert [len(found[table]) for table in TABLES] == [4, 0, 1]


if __name__ == "__main__":
    work(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
