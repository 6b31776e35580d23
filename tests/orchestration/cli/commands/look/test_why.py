"""`ratchet why`: the history of a request on the terminal and as JSON, and one sentence for an id that nobody knows."""

import json
from pathlib import Path
from typing import Any

import pytest

from ratchet.storage.home import Home
from ratchet.storage.journal.segments import as_line

ROW = {"request_id": "r1", "ts": "2026-01-05T10:00:00+00:00", "text": "call\x1b[31m ann@example.org", "label": "amber",
       "confidence": 0.9, "adapter": "ab" * 32, "slot": "live", "action": "auto"}  # fmt: skip


@pytest.fixture
def asked(home: Path) -> Path:
    """A home in whose journal one request stands."""
    folder = Home(home).journal("tickets", "production_logs")
    folder.mkdir(parents=True)
    (folder / "000000000001.wal").write_bytes(as_line(ROW))
    return home


@pytest.mark.feature(44)
def test_a_request_is_found_in_any_classifier_or_in_the_one_that_is_named(call: Any, asked: Path) -> None:
    """The text is shown only where it is asked for, redacted, and never moves the terminal."""
    for words in ([], ["tickets"]):
        shown = call("--home", asked, "why", "r1", *words)
        assert (shown.code, shown.err) == (0, "")
        assert shown.out.startswith("tickets, request r1\n\nAnswer\n  time: 2026-01-05T10:00:00+00:00\n  label: amber")
        assert "ann@" not in shown.out
        assert "call" not in shown.out
    assert "text: call?[31m [EMAIL]" in call("--home", asked, "why", "r1", "--text").out
    document = json.loads(call("--home", asked, "why", "r1", "--json").out)
    assert set(document) == {"schema", "request_id", "classifiers"}
    assert set(document["classifiers"][0]) == {
        "classifier", "request_id", "request", "text", "compared", "feedback", "queued", "corrections",
        "contradictions", "consensus", "cycles", "quarantine", "waiting", "rejected", "notes",
    }  # fmt: skip


@pytest.mark.parametrize(
    "words", [["r2"], ["r2", "tickets"], ["\x1b[2Jx"], ["*"]], ids=["any", "named", "control", "glob"]
)
def test_an_unknown_id_is_one_sentence(call: Any, asked: Path, words: list[str]) -> None:
    """Exit code 1, with what to copy; nothing is made in the home."""
    before = sorted(asked.rglob("*"))
    shown = call("--home", asked, "why", *words)
    assert shown.code == 1
    assert shown.err.startswith("error: no request ")
    assert "\x1b" not in shown.err
    assert sorted(asked.rglob("*")) == before
