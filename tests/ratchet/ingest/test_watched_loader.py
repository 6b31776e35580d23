"""A landed file of which the process dies stops itself alone: named, counted, and takeable later."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.core.failpoints import VARIABLE
from ratchet.data.records import Terms
from ratchet.ingest.landing import IngestResult, Landing
from ratchet.ingest.reading.salvage import fingerprint
from ratchet.ingest.reading.sources import Columns
from ratchet.ingest.rebuild import open_warehouse, rebuild_warehouse
from ratchet.ingest.row_counts import describe_rows
from ratchet.ingest.trial_reading import ReadingJob, try_reading
from ratchet.ingest.watched_loader import MOST_DEATHS, mark_path
from ratchet.storage.home import Home

ROOT = Path(__file__).parents[3]
SPEC = Spec("tickets", (Label("a"), Label("b")))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Two landed files, of which the first will end processes."""
    home = Home(tmp_path / "home")
    folder = home.landing("tickets", "production_logs")
    folder.mkdir(parents=True)
    for name in ("a_bad", "b_good"):
        row = {"request_id": name, "ts": "2026-02-02T10:00:00Z", "text": f"text {name}", "label": "a"}
        (folder / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    return home


def take(home: Home) -> list[IngestResult]:
    """Load what is new, in this process."""
    return Landing(home, open_warehouse(home, "tickets")).take(SPEC, now=NOW)


def die(home: Home) -> int:
    """Load what is new in a process that is killed (-9) while it reads the first file."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), VARIABLE: "landing.before_read:kill"}
    return subprocess.run([sys.executable, __file__, str(home.root)], env=environment, check=False).returncode


def marks(home: Home) -> list[dict[str, object]]:
    """The marks that stand."""
    return [json.loads(path.read_bytes()) for path in (home.classifier("tickets") / ".reading").glob("*")]


def test_a_file_that_ends_the_process_stops_itself_alone(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """After one death it is tried in a process of its own, which dies too: refused by name and counted, the other is
    loaded, a rebuild does not die of it either, and once it can be read it can be delivered."""
    assert die(home) == -signal.SIGKILL
    assert [mark["file"] for mark in marks(home)] == ["a_bad.jsonl"]
    monkeypatch.setenv(VARIABLE, "trial_reading.before_read:kill")
    bad, good = take(home)
    assert (bad.file, bad.accepted, bad.rejected, good.file, good.accepted) == ("a_bad.jsonl", 0, 1, "b_good.jsonl", 1)
    (reason,) = bad.reasons
    assert reason.startswith("reading it ended the process: killed")
    assert reason in describe_rows(home, "tickets")["rejected"]
    assert reason in (home.rejected("tickets") / "production_logs.a_bad.jsonl.jsonl").read_text()
    assert take(home) == [], "it is not tried for ever"
    rebuild_warehouse(home.warehouse("tickets"))
    assert open_warehouse(home, "tickets").count("production_logs", "tickets") == 1
    source = home.landing("tickets", "production_logs") / "a_bad.jsonl"
    delivered = Landing(home, open_warehouse(home, "tickets")).deliver(SPEC, "production_logs", source, now=NOW)
    assert (delivered.accepted, delivered.rejected) == (0, 1)
    monkeypatch.delenv(VARIABLE)
    delivered = Landing(home, open_warehouse(home, "tickets")).deliver(SPEC, "production_logs", source, now=NOW)
    assert (delivered.accepted, marks(home)) == (1, [])


def test_a_process_that_was_killed_for_another_reason_costs_no_row(home: Home) -> None:
    """The trial reads the file, so it is loaded; nothing is left of the mark."""
    assert die(home) == -signal.SIGKILL
    assert [intake.accepted for intake in take(home)] == [1, 1]
    assert marks(home) == []


@pytest.mark.parametrize("remedy", ["named", "rebuild"])
def test_a_file_that_passes_its_trials_and_still_ends_processes_is_refused_until_it_is_named_or_a_rebuild(
    home: Home, remedy: str
) -> None:
    """What only the whole process shows must not repeat for ever, nor cost a sound file its rows for good."""
    assert die(home) == -signal.SIGKILL
    (mark,) = (home.classifier("tickets") / ".reading").iterdir()
    mark.write_text(
        json.dumps({"file": "a_bad.jsonl", "kind": "production_logs", "deaths": MOST_DEATHS - 1, "refused": ""})
    )
    bad, good = take(home)
    assert (bad.rejected, good.accepted) == (1, 1)
    assert f"reading it ended {MOST_DEATHS} processes, though a trial could read it" in str(bad.reasons)
    assert "'ratchet ingest tickets --logs FILE' tries it anew" in str(bad.reasons)
    assert take(home) == []
    warehouse = open_warehouse(home, "tickets")
    if remedy == "named":
        source = home.landing("tickets", "production_logs") / "a_bad.jsonl"
        assert Landing(home, warehouse).deliver(SPEC, "production_logs", source, now=NOW).accepted == 1
    else:
        rebuild_warehouse(home.warehouse("tickets"))
    assert (warehouse.count("production_logs", "tickets"), marks(home)) == (2, [])


def test_a_rebuild_that_a_file_ends_again_and_again_refuses_it_at_last(home: Home) -> None:
    """Its deaths begin again once for each refusal, not at each rebuild: the other files come back."""
    assert take(home)
    (source,) = (home.landing("tickets", "production_logs")).glob("a_bad*")
    place = mark_path(home, "tickets", fingerprint(source))
    place.parent.mkdir(exist_ok=True)
    place.write_text(json.dumps({"file": source.name, "kind": "production_logs", "deaths": MOST_DEATHS - 1}))
    rebuild_warehouse(home.warehouse("tickets"))
    assert open_warehouse(home, "tickets").count("production_logs", "tickets") == 1
    rebuild_warehouse(home.warehouse("tickets"))
    assert open_warehouse(home, "tickets").count("production_logs", "tickets") == 2


@pytest.mark.faults
def test_a_trial_is_bounded_in_memory_and_time(home: Home, tmp_path: Path) -> None:
    """A reading that takes more is refused with that reason; one that is refused anyway keeps its own."""
    path = home.landing("tickets", "production_logs") / "b_good.jsonl"
    terms = Terms(("a", "b"), 100, NOW)

    def tried(path: Path, **bounds: int) -> str:
        job = ReadingJob(
            home.root, "tickets", "production_logs", path, fingerprint(path), Columns(), terms, os.getpid(), **bounds
        )
        return try_reading(job)

    assert tried(path) == ""
    bomb = tmp_path / "bomb.parquet"  # 6 kB that become 40 GB
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), pa.array(["x" * 20_000_000]))
    columns = {name: pa.array(["x"] * 2000) for name in ("request_id", "ts", "label")}
    pq.write_table(pa.table({**columns, "text": texts}), bomb)
    assert "unpacks to more than" in tried(bomb)  # refused by its own figures, before any bound
    rows = tmp_path / "rows.jsonl"
    line = {"request_id": "r", "ts": "2026-03-02T00:00:00Z", "text": "x" * 300, "label": "a", "confidence": 0.5}
    rows.write_text("".join(json.dumps({**line, "request_id": f"r{n}"}) + "\n" for n in range(500_000)))
    assert re.search("memory|ended the process", tried(rows, memory_bytes=2 * 10**8))
    assert re.search(r"after 1 s of processor time|longer than 2 s", tried(rows, seconds=1))  # on a busy machine
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1")
    assert "not readable as Parquet" in tried(broken)


if __name__ == "__main__":
    take(Home(Path(sys.argv[1])))
