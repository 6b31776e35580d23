"""A restored warehouse appears whole, and one bad file does not keep the rest away."""

import json
import logging
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest

from ratchet.config.spec import Label, Spec
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse, rebuild_warehouse
from ratchet.storage.home import Home

WEEK = date(2026, 2, 2)


def test_an_empty_home_gets_an_empty_warehouse(tmp_path: Path) -> None:
    """Nothing to restore is no error, and a killed restore's draft is replaced."""
    warehouse = Home(tmp_path).warehouse("tickets")
    warehouse.parent.mkdir()
    warehouse.with_name(".warehouse.duckdb.draft").write_bytes(b"half")
    rebuild_warehouse(warehouse)
    assert [path.name for path in warehouse.parent.iterdir()] == ["warehouse.duckdb"]
    assert open_warehouse(Home(tmp_path), "tickets").weeks("tickets") == {}


def test_a_copy_that_cannot_be_read_is_said_and_costs_only_its_cycle(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The other weeks come back; the log names the file and the cure."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    for week in (WEEK, date(2026, 2, 9)):
        rows = pd.DataFrame({"classifier": ["tickets"], "week": [week], "request_id": ["r"], "reason": ["pii"]})
        warehouse.replace("dropped", "tickets", week, rows)
    (Home(tmp_path).tables("tickets", "dropped") / "2026-02-09.parquet").write_bytes(b"PAR1")
    with caplog.at_level(logging.ERROR):
        warehouse.rebuild()
    assert warehouse.frame("SELECT week FROM dropped")["week"].dt.date.tolist() == [WEEK]
    assert "2026-02-09.parquet cannot be read" in caplog.text


def test_rows_are_judged_again_as_they_were_judged_then(tmp_path: Path) -> None:
    """A row that waits for its time waits again, and is taken later; one accepted under old labels stays accepted."""
    home = Home(tmp_path)
    landing = Landing(home, open_warehouse(home, "tickets"))
    folder = home.landing("tickets", "production_logs")
    folder.mkdir(parents=True)
    times = ("2026-02-02T10:00:00Z", "2026-02-04T10:00:00Z")
    logs = [{"request_id": ts, "ts": ts, "text": "hello", "label": "old"} for ts in times]
    (folder / "logs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in logs))
    landing.take(Spec("tickets", (Label("old"), Label("b"))), now=datetime(2026, 2, 3, tzinfo=UTC))
    home.warehouse("tickets").unlink()
    assert landing.warehouse.frame("SELECT request_id FROM production_logs")["request_id"].tolist() == [times[0]]
    (again,) = landing.take(Spec("tickets", (Label("new"), Label("b"))))
    assert (again.accepted, again.duplicate, again.rejected) == (1, 1, 0)
