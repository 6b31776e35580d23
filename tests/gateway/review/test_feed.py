"""The feed of the review queue: what answers, pairs and feedback give cause for is queued, once, in nobody's way."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.observability.metrics import Metrics
from gateway.review.feed import ReviewFeed
from gateway.row_log import FEEDBACK, REQUESTS, RowLog
from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Label, Spec
from ratchet.review.causes import AnsweredRequest
from ratchet.review.draw import draw
from ratchet.rollout.evidence.stream import Rate, Stream
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import list_logs, read_lines
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import SmallClassifier

LABELS = tuple(Label(name, action="auto", threshold=0.6) for name in ("amber", "green"))
SPEC = Spec("small", LABELS, review=ReviewPolicy(labels_per_week=4))
TS = "2026-01-05T10:00:00+00:00"


class Desk:
    """One gateway's feed over one home."""

    def __init__(self, root: Path, **options: Any) -> None:
        self.home, self.metrics = Home(root), Metrics()
        SmallClassifier(self.home).write()
        self.landing = RowLog(self.home, **options)
        self.feed = ReviewFeed(self.landing, self.metrics, b"key", lambda name: SPEC, retry_s=0.02)

    def stop(self) -> None:
        """End the feed, so that everything is queued, and the journals."""
        self.feed.stop()
        self.landing.close()

    def queued(self, reason: str = "") -> list[dict[str, Any]]:
        """The lines of the queue's log, in their order."""
        lines = [event for path in list_logs(self.home, "small") for event, _, _ in read_lines(path, 0)]
        return [event for event in lines if reason in ("", event["reason"])]

    def lost(self, cause: str) -> float:
        """How many were counted as lost."""
        return float(self.metrics.review_lost.labels("small", cause)._value.get())

    def row(self, request_id: str, text: str) -> dict[str, Any]:
        """A row of the request log, as the gateway writes it."""
        columns = (
            "label",
            "confidence",
            "adapter",
            "latency_ms",
            "slot",
            "action",
            "path",
            "runtime",
            "flag_reason",
            "user_hmac",
        )
        return {"request_id": request_id, "ts": TS, "text": text, **dict.fromkeys(columns), "slot": "candidate"}

    def complain(self, request_id: str, *, told: bool = True) -> dict[str, Any]:
        """A user's feedback: durable, and told to the feed unless the gateway was killed in between."""
        row = {"request_id": request_id, "ts": "2999-01-01T00:00:00+00:00", "verdict": "wrong", "label": None,
               "source": "web"}  # fmt: skip
        self.landing.append("small", FEEDBACK, row).result()
        if told:
            self.feed.note_feedback("small", SPEC, row)
        return row


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A feed that has counted the traffic, which draws every request of a small week."""
    desk = Desk(tmp_path / "home")
    desk.feed.start()
    wait_until(lambda: bool(desk.feed._chooser._last_week))
    yield desk
    desk.stop()


def wait_until(claim: Callable[[], bool]) -> None:
    """Look until it is so, for at most ten seconds."""
    until = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < until
        threading.Event().wait(0.002)


def answer(number: int, confidence: float | None = 0.9, user: str = "") -> AnsweredRequest:
    """An answer of live."""
    return AnsweredRequest(f"r{number}", f"text {number} of ann@example.org", "live", "amber", confidence, user)


def test_an_answer_is_queued_by_draw_and_by_its_confidence(desk: Desk) -> None:
    """Redacted, with choice, probability, slot and detail; the same answer twice is one item a reason."""
    for _ in range(2):
        desk.feed.note_answers("small", SPEC, [answer(1, 0.25)], compared=False)
    wait_until(lambda: len(desk.queued()) == 2)
    drawn, doubtful = desk.queued("audit")[0], desk.queued("low_confidence")[0]
    assert (drawn["chosen"], drawn["probability"], drawn["slot"]) == ("random", 1.0, "live")
    assert (doubtful["chosen"], doubtful["probability"]) == ("value", None)
    assert doubtful["detail"] == "confidence 0.250, threshold 0.6"
    assert {drawn["text"], doubtful["text"]} == {"text 1 of [EMAIL]"}


def test_the_evidence_of_a_rollout_is_never_queued_by_value(desk: Desk) -> None:
    """Its disagreements come with agreements, under one reason; the others go by value, and none does where the
    ledger cannot be read, so that nobody knows which is which."""
    ledger, made = Ledger(desk.home), {"ts": TS, "actor": "test", "why": "test", "week": "w", "receipts": {"g": "d"}}
    ledger.append("small", action="promote", adapter="a" * 64, **made)
    stream = Stream(drawn=True, rates=(Rate(datetime.fromisoformat(TS), 0.5),)).as_json()
    ledger.append("small", action="shadow", adapter="b" * 64, stream=stream, **made)
    ids = range(4)
    drawn = {n for n in ids if draw(b"key", "evidence", f"r{n}") < 0.5}
    assert 0 < len(drawn) < len(ids)

    def pair(n: int) -> None:
        desk.feed.note_answers("small", SPEC, [answer(n)], compared=True)
        pair = {"request_id": f"r{n}", "served_label": "amber", "other_label": "green", "other_confidence": 0.8}
        desk.feed.note_pair("small", SPEC, pair)

    for n in ids:
        pair(n)
    wait_until(lambda: len(desk.queued("audit")) == len(ids))
    desk.home.ledger("small").write_bytes(b"{}\n")
    pair(9)
    wait_until(lambda: len(desk.queued("audit")) == len(ids) + 1)
    desk.stop()
    assert {each["request_id"] for each in desk.queued("disagreement")} == {f"r{n}" for n in ids if n not in drawn}


def test_a_pair_that_disagrees_is_queued_with_the_slot_that_answered(desk: Desk) -> None:
    """One that agrees, or in which the other failed, is not."""
    pairs: list[tuple[int, str | None]] = [(1, "green"), (2, "amber"), (3, None)]
    desk.feed.note_answers("small", SPEC, [answer(n) for n, _ in pairs], compared=True)
    for number, label in pairs:
        pair = {"request_id": f"r{number}", "served_label": "amber", "other_label": label, "other_confidence": 0.8}
        desk.feed.note_pair("small", SPEC, pair)
    desk.feed.stop()
    assert [(each["request_id"], each["slot"], each["value"]) for each in desk.queued("disagreement")] == [
        ("r1", "live", 0.8)
    ]


def test_feedback_finds_its_text_in_memory_in_the_journal_and_in_segments(desk: Desk) -> None:
    """An id without any row is counted, and queues nothing."""
    before = RowLog(desk.home)
    before.append("small", REQUESTS, desk.row("sealed", "sealed text")).result()
    before.close()
    desk.landing.append("small", REQUESTS, desk.row("journalled", "journalled text")).result()
    desk.feed.note_answers("small", SPEC, [answer(1)], compared=False)
    for request_id in ("r1", "journalled", "sealed", "nowhere", "r1"):
        desk.complain(request_id)
    desk.feed.stop()
    assert {each["request_id"]: each["text"] for each in desk.queued("user_feedback")} == {
        "r1": "text 1 of [EMAIL]",
        "journalled": "journalled text",
        "sealed": "sealed text",
    }
    assert [each["slot"] for each in desk.queued("user_feedback")] == ["live", "candidate", "candidate"]
    assert desk.lost("text") == 1


def test_acknowledged_feedback_is_queued_at_the_next_start(tmp_path: Path) -> None:
    """Killed between the row and the item: the row is durable, so the item follows from it; once is enough."""
    desk = Desk(tmp_path / "home")
    desk.landing.append("small", REQUESTS, desk.row("r1", "text of r1")).result()
    desk.complain("r1", told=False)
    desk.landing.close()
    for _ in range(2):
        desk = Desk(tmp_path / "home")
        desk.feed.start()
        wait_until(lambda: len(desk.queued()) == 1)  # noqa: B023 - called at once
        desk.stop()
    assert [(each["request_id"], each["text"], each["detail"]) for each in desk.queued()] == [
        ("r1", "text of r1", "feedback from web")
    ]


def test_what_cannot_be_written_is_counted_and_a_complaint_waits(desk: Desk) -> None:
    """F04: the log cannot be made, then it can: the complaint is queued, the rest was counted as lost."""
    folder = desk.home.review("small")
    folder.write_bytes(b"a file in its place")
    desk.feed.note_answers("small", SPEC, [answer(1, 0.25)], compared=False)
    desk.complain("r1")
    wait_until(lambda: desk.lost("disk") == 2 and bool(desk.feed._owed))
    folder.unlink()
    wait_until(lambda: [each["reason"] for each in desk.queued()] == ["user_feedback"])


def test_the_space_that_a_full_disk_released_is_not_used(tmp_path: Path) -> None:
    """It is for the ledger and the flags alone."""
    desk = Desk(tmp_path / "home", ballast_bytes=4096)
    desk.landing.tend()
    desk.home.ballast.unlink()
    desk.home.ballast.write_bytes(b"")
    desk.feed.start()
    desk.feed.note_answers("small", SPEC, [answer(1, 0.25)], compared=False)
    desk.stop()
    assert desk.queued() == []
    assert desk.lost("disk") >= 1


def test_one_user_and_one_flood_fill_no_queue(desk: Desk) -> None:
    """By value one request of a user a day, and a budget for each reason; the draw asks neither."""
    flood = [answer(n, 0.25, user="u1") for n in range(5)] + [answer(100 + n, 0.25) for n in range(40)]
    desk.feed.note_answers("small", SPEC, flood, compared=False)
    desk.feed.stop()
    doubtful = [each["request_id"] for each in desk.queued("low_confidence")]
    assert [each for each in doubtful if each in {f"r{n}" for n in range(5)}] == ["r0"]
    assert 4 <= len(doubtful) <= 16
    assert desk.lost("limit") == 45 - len(doubtful)
    assert len(desk.queued("audit")) > 1


def test_a_bad_event_costs_only_itself(desk: Desk) -> None:
    """The thread goes on, and counts it."""
    desk.feed.note_pair("small", SPEC, {"other_label": "green", "served_label": "amber"})
    desk.feed.note_answers("small", SPEC, [answer(1)], compared=False)
    desk.feed.stop()
    assert [each["request_id"] for each in desk.queued()] == ["r1"]
    assert desk.lost("fault") == 1


def test_a_text_that_cannot_be_written_costs_only_itself(desk: Desk) -> None:
    """Half a character has no UTF-8; what comes with it, and after it, is queued."""
    broken = AnsweredRequest("r1", "half \ud800", "live", "amber", 0.1, "")
    desk.feed.note_answers("small", SPEC, [broken, answer(2, 0.1)], compared=False)
    wait_until(lambda: len(desk.queued("low_confidence")) == 1)
    desk.feed.note_answers("small", SPEC, [answer(3, 0.1)], compared=False)
    wait_until(lambda: len(desk.queued("low_confidence")) == 2)
    assert {event["request_id"] for event in desk.queued()} == {"r2", "r3"}
    assert desk.lost("fault") == 2  # drawn, and for its confidence
