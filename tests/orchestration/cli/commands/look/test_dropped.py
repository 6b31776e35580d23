"""`ratchet dropped`: what a week's cycle dropped and intake refused, counted, and row by row for a spreadsheet."""

import csv
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path
from shlex import quote
from typing import Any

import pandas as pd
import pytest

from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.testing.homes import write_lines

WEEK = date(2026, 1, 5)


@pytest.fixture
def dropping(home: Path) -> Path:
    """A home whose cycle of the week dropped three rows, and whose intake refused rows of it and of others."""
    ts = datetime(2026, 1, 6, tzinfo=UTC)
    gone = [("=cmd|' /C calc'!A0", "near_held_out", "like r5, labelled\n=amber"), ("r2", "duplicate", None),
            ("r3", "duplicate", None)]  # fmt: skip
    frame = pd.DataFrame([
        {"classifier": "tickets", "week": WEEK, "ts": ts, "request_id": r, "reason": reason, "detail": detail}
        for r, reason, detail in gone
    ])  # fmt: skip
    open_warehouse(Home(home), "tickets").replace("dropped", "tickets", WEEK, frame)
    rows = [("2026-01-06T10:00:00Z", "r7"), ("2026-02-06T10:00:00Z", "r8"), ("yesterday", "r9")]
    refused = [
        {
            "file": "w.csv",
            "line": n,
            "reason": "label is not in classifier.toml",
            "row": json.dumps({"request_id": r, "ts": t}),
        }
        for n, (t, r) in enumerate(rows)
    ]
    broken = {"file": "w.csv", "line": 9, "reason": "broken JSON", "row": '{"request_id'}
    write_lines(Home(home).rejected("tickets") / "production_logs.w.csv.jsonl", [*refused, broken])
    return home


def test_the_reasons_are_counted(call: Any, dropping: Path) -> None:
    """Each with its meaning; rows that no week owns are said to be there."""
    shown = call("--home", dropping, "dropped", "tickets", "--week", "2026-W02")
    assert shown.code == 0
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    folder = Home(dropping).rejected("tickets")
    assert lines[1:] == [
        "dropped duplicate 2 the same text occurs earlier in its split",
        "dropped near_held_out 1 a near-duplicate is held out in calibration or test",
        "rejected label is not in classifier.toml 1 label is not in classifier.toml",
        "note: 2 rejected rows have no time that can be read, so that they belong to no week;",
        f"they stand with their reasons in {folder}: cat {quote(str(folder))}/*.jsonl",
    ]


def test_every_row_is_safe_in_a_spreadsheet(call: Any, dropping: Path) -> None:
    """No cell begins a formula or breaks a line, and no text of a user is there; JSON has the values as they are."""
    shown = call("--home", dropping, "dropped", "tickets", "--week", "2026-01-05", "--all").out
    rows = list(csv.DictReader(io.StringIO(shown)))
    assert [row["request_id"] for row in rows] == ["r2", "r3", "'=cmd|' /C calc'!A0", "r7"]
    assert rows[2]["sentence"] == "like r5, labelled?=amber"
    assert (rows[3]["place"], rows[3]["kind"], rows[3]["file"], rows[3]["line"]) == (
        "rejected", "production_logs", "w.csv", "0",
    )  # fmt: skip
    document = json.loads(call("--home", dropping, "dropped", "tickets", "--week", "2026-01-05", "--json").out)
    assert [row["request_id"] for row in document["rows"]][2] == "=cmd|' /C calc'!A0"
    assert (document["undated"], document["ran"], len(document["counts"])) == (2, True, 3)


def test_a_week_without_a_cycle_says_so(call: Any, home: Path) -> None:
    """Nothing is dropped before a cycle has split its rows."""
    shown = call("--home", home, "dropped", "tickets", "--week", "2026-01-12")
    assert shown.code == 0
    assert "no cycle has split the rows of this week yet: ratchet cycle tickets --week 2026-01-12" in shown.out
