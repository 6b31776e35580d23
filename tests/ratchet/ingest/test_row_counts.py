"""Each row that was acknowledged is in the warehouse, on its way, or in a count with its reason."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ratchet.config.spec import Label, Spec
from ratchet.data.row_rules import AHEAD, LOST, LOST_AFTER, UNLISTED, WAITING
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.ingest.row_counts import (
    DAMAGED,
    TORN,
    describe_rows,
    find_uncounted,
    outside_of,
    summarise,
    without_content,
)
from ratchet.storage.home import Home
from ratchet.storage.journal.journal import Journal
from ratchet.storage.journal.segments import RowSchema, left_behind

SPEC = Spec("tickets", (Label("a"), Label("b")))
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
COLUMNS = {"request_id": "VARCHAR", "ts": "TIMESTAMPTZ", "label": "VARCHAR", "annotator": "VARCHAR",
           "saw_prediction": "BOOLEAN"}  # fmt: skip


def vote(n: int, **changes: Any) -> dict[str, Any]:
    """A correction."""
    row = {"request_id": f"r{n}", "ts": "2026-03-02T10:00:00+00:00", "label": "a", "annotator": "ann"}
    return {**row, "saw_prediction": True, **changes}


def acknowledge(home: Home, *rows: dict[str, Any]) -> Journal:
    """Write rows into the gateway's journal, each on disk."""
    journal = Journal(
        home.journal("tickets", "corrections"),
        home.landing("tickets", "corrections"),
        RowSchema("corrections", COLUMNS),
    )
    for row in rows:
        journal.append(row).result(timeout=30)
    return journal


def take(home: Home, spec: Spec = SPEC, now: datetime = NOW) -> dict[str, Any]:
    """Take what landed, and return the counts."""
    logs = home.landing("tickets", "production_logs")
    logs.mkdir(parents=True, exist_ok=True)
    log = {"request_id": "r0", "ts": "2026-03-02T09:00:00Z", "text": "hello", "label": "a"}
    (logs / "l.jsonl").write_text(json.dumps(log) + "\n")
    Landing(home, open_warehouse(home, "tickets")).take(spec, now=now)
    return describe_rows(home, "tickets")


FATES: dict[str, tuple[dict[str, Any], str, str]] = {
    "taken": ({}, "accepted", "corrections"),
    "ahead of the clock": ({"ts": "2026-03-02T12:00:01+00:00"}, "waiting", AHEAD),
    "of a request whose row was lost": ({"request_id": "r7"}, "waiting", WAITING),
    "a label that is gone": ({"label": "z"}, "rejected", "label is not in classifier.toml"),
    "of nobody": ({"annotator": "\u0430nn"}, "rejected", "annotator mixes the scripts CYRILLIC and LATIN"),
}


@pytest.mark.parametrize("fate", FATES)
def test_an_acknowledged_row_is_counted_wherever_it_is(tmp_path: Path, fate: str) -> None:
    """In the journal, in a segment, and then in the warehouse or with its reason; a restart changes nothing."""
    home, (changes, place, reason) = Home(tmp_path), FATES[fate]
    journal = acknowledge(home, vote(0, **changes))
    assert describe_rows(home, "tickets")["unsealed"] > 0
    journal.close()
    assert describe_rows(home, "tickets")["landed"] == 1
    counts = take(home)
    assert counts[place].get(reason) == 1
    others = [number for each in ("waiting", "rejected", "lost", "damaged") for number in counts[each].values()]
    assert sum(others) == (place != "accepted")
    assert (counts["unsealed"], counts["landed"]) == (0, 0)
    home.warehouse("tickets").unlink()
    assert take(home) == counts


def test_a_correction_of_a_lost_answer_does_not_wait_for_ever(tmp_path: Path) -> None:
    """After a fortnight it is lost, said so; if its log does come, it is taken all the same."""
    home = Home(tmp_path)
    acknowledge(home, vote(7)).close()
    assert take(home)["waiting"] == {WAITING: 1}
    later = take(home, now=NOW + LOST_AFTER + timedelta(seconds=1))
    assert (later["waiting"], later["lost"]) == ({}, {LOST: 1})
    assert summarise(later) == "1 lost"
    log = {"request_id": "r7", "ts": "2026-03-02T09:00:00Z", "text": "late", "label": "a"}
    (home.landing("tickets", "production_logs") / "late.jsonl").write_text(json.dumps(log) + "\n")
    found = take(home, now=NOW + 2 * LOST_AFTER)
    assert (found["lost"], found["accepted"]["corrections"]) == ({}, 1)


@pytest.mark.parametrize(("content", "said"), [(None, "is gone"), (b"{torn", "is damaged"), (b"[]", "is damaged")])
def test_counts_that_are_gone_are_named_until_an_intake_counts_again(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """By status and doctor, also where nothing new lands: the next look does not take the folders for quiet."""
    home = Home(tmp_path)
    assert find_uncounted(home, "tickets") == ""
    acknowledge(home, vote(7)).close()
    counts = take(home)
    assert find_uncounted(home, "tickets") == ""
    home.intake("tickets").unlink() if content is None else home.intake("tickets").write_bytes(content)
    assert said in find_uncounted(home, "tickets")
    assert take(home) == counts
    assert find_uncounted(home, "tickets") == ""


def test_corrections_of_names_that_are_not_listed_are_counted(tmp_path: Path) -> None:
    """Until `[people]` lists them."""
    home = Home(tmp_path)
    acknowledge(home, vote(0), vote(0, annotator="eve")).close()
    assert take(home, Spec("tickets", SPEC.label, people={"ann": ()}))["waiting"] == {UNLISTED: 1}
    assert take(home, Spec("tickets", SPEC.label, people={"ann": (), "bob": ("Eve",)}))["waiting"] == {}


DAMAGE: dict[str, tuple[Callable[[bytes], bytes], bool, dict[str, int]]] = {
    "in the middle": (lambda content: content.replace(b'"r1"', b'"r9"'), False, {DAMAGED: 1}),
    "at the end, under a running gateway": (lambda content: content.replace(b'"r2"', b'"r9"'), True, {DAMAGED: 1}),
    "at the end, found after a crash": (lambda content: content.replace(b'"r2"', b'"r9"'), False, {TORN: 1}),
    "an interrupted write": (lambda content: content + b"0000", False, {TORN: 1}),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_row_of_a_journal_is_counted(tmp_path: Path, what: str) -> None:
    """The rows beside it are taken; the count stays until somebody has looked at the file that is kept."""
    home, (damage, running, expected) = Home(tmp_path), DAMAGE[what]
    journal = acknowledge(home, *(vote(0, ts=f"2026-03-02T10:00:0{n}+00:00", request_id=f"r{n}") for n in range(3)))
    *_, path = left_behind(home.journal("tickets", "corrections"))
    if running:
        path.write_bytes(damage(path.read_bytes()))
        journal.close()
    else:
        content = path.read_bytes()
        journal.close()
        for segment in home.landing("tickets", "corrections").iterdir():
            segment.unlink()
        path.write_bytes(damage(content))
        acknowledge(home).close()
    counts = take(home)
    assert counts["damaged"] == expected
    assert outside_of(home, "tickets")["damaged"] == expected
    assert take(home)["damaged"] == expected


def test_a_damaged_segment_is_counted(tmp_path: Path) -> None:
    """It held at least one row."""
    home = Home(tmp_path)
    acknowledge(home, vote(0)).close()
    (segment,) = home.landing("tickets", "corrections").glob("gateway-*")
    segment.write_bytes(segment.read_bytes()[:-9] + b"\0" * 9)
    (reason,) = take(home)["rejected"]
    assert "damaged on disk" in reason


def test_reasons_for_strangers_hold_nothing_of_a_file() -> None:
    """Names of columns and messages of readers stay inside; numbers of reasons that then are one add up."""
    rows = {"rejected": {"the file has no column 'secret', which x needs (found: 'iban')": 1,
                         "the file has no column 'other', which x needs (found: none)": 2,
                         "the file cannot be read: /somewhere/x.csv": 1}}  # fmt: skip
    assert without_content(rows) == {
        "rejected": {"the file has no column ..., which x needs": 3, "the file cannot be read": 1}
    }
