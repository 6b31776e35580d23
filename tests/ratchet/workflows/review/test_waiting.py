"""Numbers of the review queue: what waits by reason and age, what was reviewed, and when that starts a cycle."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Label, Spec
from ratchet.review.item import QueuedRequest
from ratchet.review.reasons import AUDIT, DISAGREEMENT, EVIDENCE, LOW_CONFIDENCE
from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.review.answer import land_corrections
from ratchet.workflows.review.early_cycle import weigh_disagreements
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.review.waiting import count_reviewed, count_waiting, describe_queue

NOW = datetime(2026, 1, 7, 12, tzinfo=UTC)
SPEC = Spec("small", (Label("amber"), Label("green")), review=ReviewPolicy(early_after_disagreements=2, double_share=0))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A home in whose queue three requests wait for one reason, one of them for two."""
    home = Home(tmp_path / "home")
    SmallClassifier(home).write()
    yield home
    shutil.rmtree(home.root)


def put(home: Home, *items: tuple[str, str], hours: int = 1) -> None:
    """Queue requests for reasons, some hours ago."""
    made = [QueuedRequest(request, reason, NOW - timedelta(hours=hours), "a text") for request, reason in items]
    enqueue(home, "small", made, writer="gateway", now=NOW)


def answer(home: Home, request: str, **more: Any) -> None:
    """A blind label by one person."""
    row = {"request_id": request, "ts": NOW.isoformat(), "label": "green", "annotator": "ann", "saw_prediction": False}
    land_corrections(home, "small", [{**row, **more}])


def test_what_waits_is_counted_by_reason_and_age_and_what_is_answered_is_not(home: Home) -> None:
    """A request counts for each of its reasons; the oldest one gives the age."""
    put(home, ("r1", AUDIT), ("r2", AUDIT), ("r2", LOW_CONFIDENCE), hours=1)
    put(home, ("r3", AUDIT), hours=50)
    answer(home, "r1")
    found = describe_queue(home, "small", NOW)
    assert found["behind"] is False
    assert [(each["reason"], each["items"], each["oldest_age_s"]) for each in found["waiting"]] == [
        ("low_confidence", 1, 3600),
        ("audit", 2, 180_000),
    ]


def test_a_home_without_a_queue_gets_none(home: Home) -> None:
    """Asking makes no file."""
    assert describe_queue(home, "small", NOW) == {"waiting": [], "behind": False}
    assert sorted(path.name for path in home.classifier("small").iterdir()) == ["classifier.toml", "golden.jsonl"]


def test_a_log_that_is_far_ahead_of_the_index_is_said_to_be(home: Home) -> None:
    """A screen never reads a million requests; it shows what was counted."""
    put(home, ("r1", AUDIT))
    assert len(count_waiting(home, "small", SPEC).reasons) == 1
    put(home, ("r2", AUDIT))
    found = count_waiting(home, "small", SPEC, most_behind=10)
    assert (found.behind, found.reasons[0].items) == (True, 1)


def test_enough_reviewed_disagreements_start_a_cycle_once_no_candidate_is_compared(home: Home) -> None:
    """Blind labels since the last cycle count; those in sight of the prediction, withdrawn or of before do not."""
    put(home, *((f"r{n}", DISAGREEMENT) for n in range(3)), *((f"r{n}", EVIDENCE) for n in range(6)), ("other", AUDIT))
    assert weigh_disagreements(home, "small", SPEC).start is False
    answer(home, "r0")
    answer(home, "r1", saw_prediction=True)
    answer(home, "r2", label=None, answer="withdrawn")
    answer(home, "other")
    found = weigh_disagreements(home, "small", SPEC)
    assert (found.start, found.sentence) == (
        False, "1 disagreements were reviewed since the last cycle, 2 start one early.",
    )  # fmt: skip
    answer(home, "r3")
    assert weigh_disagreements(home, "small", SPEC).start is True
    assert count_reviewed(home, "small", SPEC, [DISAGREEMENT], NOW) == 0
    never = Spec("small", SPEC.label, review=ReviewPolicy(early_after_disagreements=0))
    assert weigh_disagreements(home, "small", never).start is False
