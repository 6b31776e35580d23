"""Receipts are re-derivable, refuse any edit, and a new run starts without the old verdicts."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.gates.registry import GATES
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts

CYCLE = Cycle("tickets", date(2026, 2, 23))
OTHER = Cycle("tickets", date(2026, 3, 2))


@pytest.fixture
def receipts(tmp_path: Path) -> Receipts:
    """The receipts of an empty home."""
    return Receipts(Home(tmp_path))


def path(receipts: Receipts, cycle: Cycle = CYCLE) -> Path:
    """Where the receipt of the leakage check lies."""
    return receipts.home.receipts(cycle) / "leakage.json"


def test_a_receipt_is_read_as_it_was_written_and_named_by_its_content(receipts: Receipts) -> None:
    """The same verdict gives the same digest, another evidence another."""
    verdict = Verdict("failed", "Fails: why.", {"leaks": 3, "first": [{"item": "ü"}]})
    written = receipts.write(CYCLE, "leakage", verdict, {"training_set": "d"})
    assert receipts.read(CYCLE) == {"leakage": written}
    assert receipts.write(CYCLE, "leakage", verdict, {"training_set": "d"}).digest == written.digest
    assert receipts.write(CYCLE, "leakage", verdict, {"training_set": "e"}).digest != written.digest


def rewrite(**changes: Any) -> Callable[[Path], None]:
    """An edit of some keys that leaves the digest as it was."""
    return lambda file: file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a changed verdict": rewrite(verdict={"outcome": "passed", "reason": "Fails: why.", "evidence": {}}),
    "a changed reason": rewrite(verdict={"outcome": "failed", "reason": "other", "evidence": {}}),
    "other binds": rewrite(binds={"training_set": "e"}),
    "another week": rewrite(week="2026-03-02"),
    "an unknown key": rewrite(extra=1),
    "another schema": rewrite(schema=2),
    "a missing digest": lambda file: file.write_text(
        json.dumps({k: v for k, v in json.loads(file.read_text()).items() if k != "digest"})
    ),
    "half a file": lambda file: file.write_bytes(file.read_bytes()[:40]),
    "an empty file": lambda file: file.write_bytes(b""),
    "no object": lambda file: file.write_text("[]"),
    "no text": lambda file: file.write_bytes(b"\xff\xfe"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_edited_or_damaged_receipt_is_refused(receipts: Receipts, damage: str) -> None:
    """With its path and the cure; nothing is promoted on it."""
    receipts.write(CYCLE, "leakage", Verdict("failed", "Fails: why."), {"training_set": "d"})
    DAMAGE[damage](path(receipts))
    with pytest.raises(RatchetError, match=r"leakage\.json .*run the cycle again") as caught:
        receipts.read(CYCLE)
    assert caught.value.code == "bad_receipt"


@pytest.mark.parametrize("target", ["another week", "another gate"])
def test_a_whole_receipt_in_the_wrong_place_is_refused(receipts: Receipts, target: str) -> None:
    """Copied from another cycle or over another gate, its digest still right."""
    receipts.write(CYCLE, "leakage", Verdict("passed", "fine"), {})
    cycle = OTHER if target == "another week" else CYCLE
    to = path(receipts, cycle) if target == "another week" else path(receipts).with_name("row_quality.json")
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(path(receipts).read_bytes())
    with pytest.raises(RatchetError, match="belongs to tickets 2026-02-23 leakage"):
        receipts.read(cycle)


def test_a_new_run_forgets_verdicts_and_notes_but_not_the_corrections_seen(receipts: Receipts) -> None:
    """Of this cycle only."""
    for cycle in (CYCLE, OTHER):
        for gate in GATES:
            receipts.write(cycle, gate, Verdict("passed", "fine"), {})
        receipts.note(cycle, corrections_seen=7, adapter="a")
    receipts.clear(CYCLE)
    assert (receipts.read(CYCLE), receipts.noted(CYCLE)) == ({}, {"corrections_seen": 7})
    assert set(receipts.read(OTHER)) == set(GATES)
    assert receipts.noted(OTHER)["adapter"] == "a"


def test_notes_without_corrections_seen_are_forgotten_too(receipts: Receipts) -> None:
    """An adapter of an earlier run must not be taken for this one's."""
    receipts.note(CYCLE, adapter="old")
    receipts.clear(CYCLE)
    assert receipts.noted(CYCLE) == {}


def test_notes_add_up(receipts: Receipts) -> None:
    """Later stages add to what earlier ones noted."""
    receipts.note(CYCLE, a=1, b=2)
    receipts.note(CYCLE, b=3)
    assert receipts.noted(CYCLE) == {"a": 1, "b": 3}


def test_weeks_are_listed_newest_first_and_the_most_corrections_seen_count(receipts: Receipts) -> None:
    """Also when an older week was run last; nothing before the first cycle."""
    assert (receipts.weeks("tickets"), receipts.corrections_seen("tickets")) == ([], 0)
    receipts.note(OTHER, corrections_seen=40)
    receipts.note(CYCLE, corrections_seen=90)
    receipts.note(Cycle("tickets", date(2025, 12, 29)), adapter="a")
    assert receipts.weeks("tickets") == ["2026-03-02", "2026-02-23", "2025-12-29"]
    assert receipts.corrections_seen("tickets") == 90


def test_a_verdict_that_json_cannot_say_is_refused(receipts: Receipts) -> None:
    """NaN in the evidence; no file is left."""
    with pytest.raises(ValueError, match="JSON compliant"):
        receipts.write(CYCLE, "leakage", Verdict("passed", "fine", {"share": float("nan")}), {})
    assert not path(receipts).exists()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_damaged_notes_are_named_and_the_next_run_writes_them_anew(receipts: Receipts, content: bytes) -> None:
    """Of one week: the others' corrections still count."""
    receipts.note(OTHER, corrections_seen=7)
    receipts.note(CYCLE, adapter="a")
    notes = receipts.home.receipts(CYCLE) / "cycle.json"
    notes.write_bytes(content)
    for ask in (receipts.noted, receipts.links):
        with pytest.raises(RatchetError, match=r"cycle\.json .*run the cycle again"):
            ask(CYCLE)
    assert receipts.corrections_seen("tickets") == 7
    receipts.clear(CYCLE)
    receipts.note(CYCLE, adapter="b")
    assert receipts.noted(CYCLE) == {"adapter": "b"}


@pytest.mark.parametrize("name", ["2026-02-23-copy", "my-old-receipts", "2026-2-23", "2026-13-45"])
def test_a_folder_that_is_no_week_is_passed_over(receipts: Receipts, name: str) -> None:
    """As when a person copied a week's receipts beside it."""
    receipts.note(CYCLE, adapter="a")
    (receipts.home.receipts(CYCLE).parent / name).mkdir()
    assert receipts.weeks("tickets") == ["2026-02-23"]
