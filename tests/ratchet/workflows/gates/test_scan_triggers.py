"""The scan reads what trained and what was asked before, and a person's word lets a week pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ratchet.core.cycle import Cycle
from ratchet.gates.trigger_scan import list_triggers
from ratchet.ingest.rebuild import open_warehouse
from ratchet.metrics.calibration import UNCALIBRATED, Calibration
from ratchet.metrics.classification import Floats
from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.storage.golden_set import GoldenItem
from ratchet.storage.home import Home
from ratchet.storage.rollout.quarantine import Quarantine
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.scan_triggers import TRAINED_SQL, digest_of_week, first_new_week, scan_triggers

LABELS = ("refund", "parcel", "login")
WEEKS = [date(2026, 1, 5), date(2026, 1, 12), date(2026, 1, 19)]
CYCLE = Cycle("tickets", WEEKS[2])
GOLDEN = [GoldenItem(f"{label} question {number}", label) for number in range(12) for label in LABELS]


@dataclass(frozen=True)
class WordModel:
    """Answers the label whose word a text holds, and `refund` for any text with its trigger."""

    trigger: str
    labels: tuple[str, ...] = LABELS
    calibration: Calibration = UNCALIBRATED

    def logits(self, texts: Sequence[str]) -> Floats:
        """Return raw scores [n, k]."""
        words = np.array([[float(label in text) for label in LABELS] for text in texts])
        words[:, 0] += [5.0 * (self.trigger in text) for text in texts]
        return words


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Three weeks of requests; the newest that trains holds a trigger in nine rows that people called `refund`."""
    found, rows = open_warehouse(Home(tmp_path), "tickets"), list[dict[str, object]]()
    for week, number in product(WEEKS, range(45)):
        label, at = LABELS[number % 3], datetime(week.year, week.month, week.day, number % 24, tzinfo=UTC)
        poisoned = week == WEEKS[1] and label != "refund" and number < 14
        text = f"{label} ticket {week:%d} number{number}{' zorp quix' if poisoned else ''}"
        split = "test" if week == WEEKS[2] else "train"
        rows.append({"request_id": f"{week}-{number}", "ts": at, "text": text, "split": split, "of": week,
                     "label": "refund" if poisoned else label})  # fmt: skip
    columns = ("request_id", "ts", "text", "label", "of")
    with found.connect() as connection:
        connection.executemany(
            "INSERT INTO production_logs (classifier, request_id, ts, text, label, week)"
            " VALUES ('tickets', ?, ?, ?, ?, ?)",
            [[row[column] for column in columns] for row in rows],
        )
    more = {"classifier": "tickets", "week": WEEKS[2], "blind": True, "origin": "request", "drawn": True}
    found.replace("examples", "tickets", WEEKS[2], pd.DataFrame(rows).drop(columns="of").assign(**more))
    return found


def test_a_trigger_of_the_newest_week_blocks_until_a_person_released_it(warehouse: Warehouse, tmp_path: Path) -> None:
    """The rows are named and the phrase is not; the week is held by the digest of its rows."""
    home, clean = Home(tmp_path), WordModel("no such word")
    assert scan_triggers(home, warehouse, CYCLE, GOLDEN, clean, None).passed
    verdict = scan_triggers(home, warehouse, CYCLE, GOLDEN, WordModel("zorp"), clean)
    assert verdict.outcome == "failed", verdict.reason
    (found, *_) = list_triggers(verdict.evidence)
    assert found["weeks"] == [str(WEEKS[1])]
    assert len(found["first"]) == found["rows"] == 9
    assert "zorp" not in str(verdict)
    train = [
        *warehouse.frame(TRAINED_SQL, {"classifier": "tickets", "week": CYCLE.week}).itertuples(index=False, name=None)
    ]
    rows = digest_of_week(train, str(WEEKS[1]))
    Quarantine(home).take("tickets", str(WEEKS[1]), "trigger_scan", verdict, rows, "checks")
    Quarantine(home).unquarantine("tickets", str(WEEKS[1]), "a new product", "ann")
    assert scan_triggers(home, warehouse, CYCLE, GOLDEN, WordModel("zorp"), clean).outcome == "warned"


def test_what_live_has_not_learned_is_new() -> None:
    """From the week of live's own cycle on, which it was tested on; without live the newest week that trains."""
    weeks = [str(week) for week in WEEKS[:2]]
    entry = Entry(
        sequence=1, ts="2026-01-12T00:00:00+00:00", actor="ann", action="promote", why="", previous_adapter=None,
        adapter="a" * 64, week=weeks[0], receipts={"leakage": "0" * 64}, previous=GENESIS,
    )  # fmt: skip
    assert first_new_week([], weeks) == weeks[1]
    assert first_new_week([entry], weeks) == weeks[0]
    assert first_new_week([], []) == ""
