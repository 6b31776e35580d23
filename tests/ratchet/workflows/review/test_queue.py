"""The review queue over real files: who gets what, what an answer becomes, and what survives."""

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Label, Spec
from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import VARIABLE
from ratchet.data.label_rules import LabelRule
from ratchet.review.item import ADJUDICATION, RANDOM, VALUE, QueuedRequest
from ratchet.review.reasons import (
    AUDIT,
    BLOCKED,
    CONFLICT,
    DISAGREEMENT,
    EVIDENCE,
    LOW_CONFIDENCE,
    SUSPENDED,
    USER_FEEDBACK,
)
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import append_events
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.suspensions import Suspensions
from ratchet.workflows.review.answer import land_corrections
from ratchet.workflows.review.enqueue import enqueue, forget_old_texts
from ratchet.workflows.review.queue import ReviewQueue

T0 = datetime.now(UTC).replace(microsecond=0)
SPEC = Spec(name="small", label=(Label("a"), Label("b"), Label("c")), review=ReviewPolicy(double_share=0.0))


@dataclass
class Desk:
    """A home with a queue, a clock that tests move, and answers that land as the terminal's do."""

    home: Home
    spec: Spec = SPEC
    now: datetime = T0

    def put(self, count: int, reason: str = LOW_CONFIDENCE, *, start: int = 0, **more: Any) -> None:
        """Queue requests."""
        items = [
            QueuedRequest(f"rq{n}", reason, self.now, f"text {n}", value=float(n), **more)
            for n in range(start, start + count)
        ]
        enqueue(self.home, "small", items, writer="cycle")

    def open(self) -> ReviewQueue:
        """Open the queue."""
        return ReviewQueue.open(self.home, "small", self.spec, clock=lambda: self.now)

    def answer(
        self, queue: ReviewQueue, person: str, request_id: str, label: str | None, **more: Any
    ) -> dict[str, Any]:
        """Answer a request durably."""
        self.now += timedelta(seconds=1)
        more = {"saw_prediction": False, **more}
        row = queue.correction(person, person, request_id, label=label, **more)
        land_corrections(self.home, "small", [row])
        queue.record(row)
        return row


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a desk with an empty queue."""
    (tmp_path / "small").mkdir()
    return Desk(Home(tmp_path))


def test_a_batch_is_answered_in_order_and_every_answer_is_a_correction(desk: Desk) -> None:
    """Items come one after the other with their reasons; each answer keeps batch, choice, seconds and note."""
    desk.put(3)
    desk.put(2, AUDIT, start=3, chosen=RANDOM, probability=0.1)
    queue = desk.open()
    assert [(each.reason, each.items) for each in queue.waiting()] == [(LOW_CONFIDENCE, 3), (AUDIT, 2)]
    batch = queue.batch("ann")
    assert (batch.of, batch.done) == (5, 0)
    seen = []
    while item := queue.current("ann"):
        assert item.of == 5
        assert item.position == len(seen) + 1
        assert item.text == f"text {item.request_id[2:]}"
        row = desk.answer(queue, "ann", item.request_id, "b", seconds=2.5, note="sure")
        assert row["batch"] == batch.batch
        assert row["seconds"] == 2.5
        assert row["note"] == "sure"
        assert row["chosen"] == (RANDOM if int(item.request_id[2:]) > 2 else VALUE)
        seen.append(item.request_id)
    assert sorted(seen) == [f"rq{n}" for n in range(5)]
    assert queue.waiting() == ()
    assert queue.batch("ann").of == 0
    assert queue.result(batch.batch).answered == 5


def test_two_people_never_get_the_same_request_and_a_lock_ends(desk: Desk) -> None:
    """Fifty requests go to one, the rest to the other; after ten minutes without an answer they are free."""
    desk.put(60)
    queue = desk.open()
    assert queue.batch("ann").of == 50
    assert queue.batch("bob").of == 10
    assert queue.batch("cem").of == 0
    desk.now += timedelta(minutes=11)
    assert queue.batch("cem").of == 50
    item = queue.current("cem")
    assert item is not None
    desk.answer(queue, "cem", item.request_id, "a")
    left = {queue_item.request_id for queue_item in [queue.current("ann")] if queue_item}
    assert item.request_id not in left


def test_people_who_ask_at_the_same_instant_share_no_request(desk: Desk) -> None:
    """Four connections, as of as many processes: each gets a batch, and no request is in two of them."""
    desk.put(200)
    desk.open().close()
    together = Barrier(4)

    def take(person: str) -> list[str]:
        queue = desk.open()
        together.wait(60)
        found = [each.request_id for each in queue.open_items(queue.batch(person).batch)]
        queue.close()
        return found

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(take, ("ann", "bob", "cem", "dee")))
    assert [len(each) for each in found] == [50] * 4
    assert len({request_id for each in found for request_id in each}) == 200


def test_the_index_may_be_lost_damaged_or_old(desk: Desk) -> None:
    """All that counts stands in the logs and corrections: answers are still answers, the rest still waits."""
    desk.put(4)
    queue = desk.open()
    queue.batch("ann")
    desk.answer(queue, "ann", "rq0", "a")
    queue.close()
    index = desk.home.review("small") / "queue.sqlite"
    for content in (None, b"no database at all" * 1000):
        index.unlink()
        if content is not None:
            index.write_bytes(content)
        queue = desk.open()
        assert [(each.reason, each.items) for each in queue.waiting()] == [(LOW_CONFIDENCE, 3)]
        queue.close()


def test_an_index_that_is_damaged_under_its_user_is_made_anew_by_the_next_opening(desk: Desk) -> None:
    """Who has it open learns that it is not the one in place any more, and nothing that counts is lost."""
    desk.put(300)
    queue = desk.open()
    assert queue.index.is_in_place
    for pragma in ("wal_checkpoint(TRUNCATE)", "shrink_memory"):  # everything is read from the file again
        queue.index.rows(f"PRAGMA {pragma}")
    file = desk.home.review("small") / "queue.sqlite"
    with file.open("r+b") as written:
        written.seek(4096)
        written.write(b"?" * (file.stat().st_size - 4096))
    desk.put(1, start=300)
    with pytest.raises(sqlite3.DatabaseError):
        queue.batch("ann", size=300)
    assert not queue.index.is_in_place
    queue.close()
    queue = desk.open()
    assert [(each.reason, each.items) for each in queue.waiting()] == [(LOW_CONFIDENCE, 301)]
    queue.close()


@pytest.mark.parametrize(("person", "chosen"), [("ann", RANDOM), ("cem", RANDOM), ("dee", ADJUDICATION)])
def test_only_adjudicators_decide_also_without_a_batch(desk: Desk, person: str, chosen: str) -> None:
    """An answer on a request that was never in front of somebody decides no conflict, their own least of all."""
    review = ReviewPolicy(double_share=1.0, adjudicators=("dee@example.com",))
    people = dict.fromkeys(("ann", "bob", "cem"), ()) | {"dee": ("dee@example.com",)}
    desk.spec = replace(SPEC, people=people, review=review)
    desk.put(1, chosen=RANDOM)
    queue = desk.open()
    for each, label in (("ann", "a"), ("bob", "b")):
        desk.answer(queue, each, "rq0", label)
    assert queue.batch("cem").of == 0
    if person == "dee":
        assert queue.batch("dee").of == 1
        assert getattr(queue.current("dee"), "conflict", ()) == (("a", ""), ("b", ""))
    assert desk.answer(queue, person, "rq0", "c")["chosen"] == chosen
    queue.close()


def test_what_a_whole_team_skipped_is_asked_again_after_a_day(desk: Desk) -> None:
    """It waits for adjudication, which those who skipped it may give where nobody else is there."""
    desk.spec = replace(SPEC, people=dict.fromkeys(("ann", "bob"), ()))
    desk.put(1)
    queue = desk.open()
    for person in ("ann", "bob"):
        assert queue.batch(person).of == 1
        queue.skip(person, "rq0")
    assert [queue.batch(person).of for person in ("ann", "bob")] == [0, 0]
    desk.now += timedelta(days=1, minutes=1)
    assert queue.batch("bob").of == 1
    assert desk.answer(queue, "bob", "rq0", "a")["chosen"] == ADJUDICATION
    assert queue.waiting() == ()
    queue.close()


def test_labels_of_a_suspended_person_do_not_count_and_the_request_waits_again(desk: Desk) -> None:
    """The index is made anew in place, also under another process that has it open."""
    desk.put(1)
    queue = desk.open()
    queue.batch("ann")
    desk.answer(queue, "ann", "rq0", "a")
    assert queue.waiting() == ()
    Suspensions(desk.home, "small").suspend("ann", "a test", "dee", {}, 1, [])
    assert [each.items for each in desk.open().waiting()] == [each.items for each in queue.waiting()] == [1]


def test_a_reason_that_is_withdrawn_counts_no_more_until_it_is_given_again(desk: Desk) -> None:
    """Whatever the order of the logs: an item leaves with its last reason, a later reason brings it back; the answer
    of before is enough again."""
    desk.put(2, AUDIT)  # rq0 is answered, rq1 has another reason
    desk.answer(desk.open(), "ann", "rq0", "a")
    desk.now += timedelta(seconds=1)

    def suspended(ts: datetime) -> None:
        items = [QueuedRequest(f"rq{n}", SUSPENDED, ts, f"text {n}", chosen=RANDOM) for n in range(4)]
        enqueue(desk.home, "small", items, writer="commands")

    def withdrawn(count: int, ts: datetime) -> None:
        event = {"event": "withdrawn", "reason": SUSPENDED, "ts": ts.isoformat()}
        events = [{**event, "request_id": f"rq{n}"} for n in range(count)]
        append_events(desk.home, "small", "commands", events + events)

    def look() -> tuple[dict[str, int], list[tuple[Any, ...]]]:
        queue = desk.open()
        states = queue.index.rows("SELECT request_id, state, open FROM items ORDER BY request_id")
        shown = {each.reason: each.items for each in queue.waiting()}, states
        queue.close()
        return shown

    def found() -> tuple[dict[str, int], list[tuple[Any, ...]]]:
        shown = look()
        (desk.home.review("small") / "queue.sqlite").unlink()
        assert look() == shown  # made anew
        return shown

    first = desk.now
    suspended(first)
    assert found()[0] == {AUDIT: 2, SUSPENDED: 4}
    withdrawn(3, first + timedelta(seconds=1))
    waiting, states = found()
    assert waiting == {AUDIT: 1, SUSPENDED: 1}
    assert states == [("rq0", "done", 0), ("rq1", "waiting", 1), ("rq2", "left", 0), ("rq3", "waiting", 1)]
    suspended(first)  # a repeated line of before changes nothing
    assert found() == (waiting, states)
    desk.put(1, LOW_CONFIDENCE, start=2)
    assert found()[0] == {LOW_CONFIDENCE: 1, AUDIT: 1, SUSPENDED: 1}
    suspended(first + timedelta(seconds=2))
    assert found()[0] == {LOW_CONFIDENCE: 1, AUDIT: 2, SUSPENDED: 4}


def test_a_renamed_label_is_no_conflict(desk: Desk) -> None:
    """Who answered with the name of before and who answers with the new one agree."""
    desk.spec = replace(SPEC, review=ReviewPolicy(double_share=1.0), people={"ann": (), "bob": ()})
    desk.put(1)
    queue = desk.open()
    desk.answer(queue, "ann", "rq0", "a")
    rule = LabelRule("rename", ("a",), ("z",), desk.now + timedelta(minutes=1))
    LabelRuleFile(desk.home, "small").record("dee", lambda rules: rule)
    desk.now += timedelta(minutes=2)
    desk.spec = replace(desk.spec, label=(Label("z"), *SPEC.label[1:]))
    queue = desk.open()
    desk.answer(queue, "bob", "rq0", "z")
    assert queue.waiting() == ()
    desk.put(1, start=1)
    queue = desk.open()
    desk.answer(queue, "ann", "rq1", "a")  # a tool that was not told
    desk.answer(queue, "bob", "rq1", "z")
    assert queue.waiting() == ()
    with pytest.raises(RatchetError, match="is not a label"):
        desk.answer(queue, "bob", "rq1", "y")


def test_a_repeated_answer_is_the_same_row_and_a_changed_one_is_newer(desk: Desk) -> None:
    """A page that is sent twice adds nothing; undo brings the request back, and the new answer has a new time."""
    desk.put(2)
    queue = desk.open()
    queue.batch("ann")
    first = desk.answer(queue, "ann", "rq0", "a")
    assert desk.answer(queue, "ann", "rq0", "a") == first
    assert queue.undo("ann") == "rq0"
    item = queue.current("ann")
    assert item is not None
    assert item.request_id == "rq0"
    again = desk.answer(queue, "ann", "rq0", "c")
    assert again["ts"] > first["ts"]
    assert again["batch"] == first["batch"]
    item = queue.current("ann")
    assert item is not None
    assert item.request_id == "rq1"


def test_a_skipped_request_goes_to_another_person_and_then_to_adjudication(desk: Desk) -> None:
    """Who skips does not meet the request again; after two it is a conflict, which an adjudicator decides."""
    desk.put(1)
    desk.spec = replace(SPEC, review=ReviewPolicy(double_share=0.0, adjudicators=("dee",)), people={
        "ann": (), "bob": (), "cem": (), "dee": ()})  # fmt: skip
    queue = desk.open()
    for person in ("ann", "bob"):
        assert queue.batch(person).of == 1
        queue.skip(person, "rq0")
        assert queue.current(person) is None
        assert queue.batch(person).of == 0
    assert queue.batch("cem").of == 0
    assert queue.batch("dee").of == 1
    assert desk.answer(queue, "dee", "rq0", "a")["chosen"] == "adjudication"
    assert queue.waiting() == ()


def test_doubles_go_to_two_people_and_a_conflict_to_a_third_who_sees_both_labels(desk: Desk) -> None:
    """The labels and notes are shown in adjudication, nobody's name; the adjudication ends it."""
    desk.put(1)
    desk.spec = replace(SPEC, review=ReviewPolicy(double_share=1.0), people={"ann": (), "bob": (), "cem": ()})
    queue = desk.open()
    assert queue.batch("ann").of == queue.batch("bob").of == 1
    assert queue.batch("cem").of == 0
    desk.answer(queue, "ann", "rq0", "a", note="money")
    assert [each.items for each in queue.waiting()] == [1]
    desk.answer(queue, "bob", "rq0", "b")
    assert queue.batch("cem").of == 1
    item = queue.current("cem")
    assert item is not None
    assert item.conflict == (("a", "money"), ("b", ""))
    desk.answer(queue, "cem", "rq0", "b")
    assert queue.waiting() == ()


def test_labels_of_files_that_differ_are_decided_by_an_adjudicator(desk: Desk) -> None:
    """The cycle knows of them, the queue has no votes: the answer of who may adjudicate decides all the same."""
    desk.spec = replace(SPEC, review=ReviewPolicy(double_share=0.0, adjudicators=("dee",)))
    desk.put(1, CONFLICT, chosen=RANDOM)
    queue = desk.open()
    assert queue.batch("ann").of == 0
    assert queue.batch("dee").of == 1
    assert desk.answer(queue, "dee", "rq0", "a")["chosen"] == "adjudication"
    assert queue.waiting() == desk.open().waiting() == ()


def test_labels_that_differ_after_an_answer_are_asked_for_again(desk: Desk) -> None:
    """A plain answer ends the waiting until the next cycle finds that the labels still differ."""
    desk.put(1)
    queue = desk.open()
    queue.batch("ann")
    desk.answer(queue, "ann", "rq0", "a")
    assert queue.waiting() == ()
    desk.now += timedelta(minutes=1)
    desk.put(1, CONFLICT)
    queue.refresh()
    assert queue.batch("ann").of == 0
    assert queue.batch("bob").of == 1
    assert desk.answer(queue, "bob", "rq0", "b")["chosen"] == "adjudication"
    assert queue.waiting() == ()


def test_a_team_of_one_never_waits_for_a_second_person(desk: Desk) -> None:
    """Alone, one label is enough for every request, and what was skipped comes back after a day."""
    desk.put(3)
    desk.spec = replace(SPEC, review=ReviewPolicy(double_share=1.0))
    queue = desk.open()
    queue.batch("ann")
    desk.answer(queue, "ann", "rq0", "a")
    queue.skip("ann", "rq1")
    desk.answer(queue, "ann", "rq2", "b")
    assert [each.items for each in queue.waiting()] == [1]
    assert queue.batch("ann").of == 0
    desk.now += timedelta(days=1, minutes=1)
    assert queue.batch("ann").of == 1


def test_two_agreed_requests_are_mixed_in_and_their_answers_count_nowhere(desk: Desk) -> None:
    """Checks carry nothing that tells them apart; the result says how many were answered as agreed."""
    desk.spec = replace(SPEC, review=ReviewPolicy(double_share=1.0), people={"ann": (), "bob": (), "cem": ()})
    desk.put(3)
    queue = desk.open()
    for person in ("ann", "bob"):
        queue.batch(person)
        for number in range(3):
            desk.answer(queue, person, f"rq{number}", "a")
    desk.put(4, start=10)
    queue = desk.open()
    batch, chosen = queue.batch("cem"), {}
    assert batch.of == 6
    while item := queue.current("cem"):
        row = desk.answer(queue, "cem", item.request_id, "a" if item.request_id != "rq2" else "b")
        chosen[item.request_id] = row["chosen"]
        assert item.reasons == ("the confidence is below the label's threshold",)
    checks = [one for one, choice in chosen.items() if choice == "check"]
    assert len(checks) == 2
    assert set(checks) <= {"rq0", "rq1", "rq2"}
    result = queue.result(batch.batch)
    assert (result.answered, result.checks, result.agreed) == (6, 2, 2 - ("rq2" in checks))
    counted = "SELECT 1 FROM votes WHERE person = 'cem' AND request_id IN (?, ?)"
    assert queue.index.rows(counted, tuple(checks)) == []


@pytest.mark.parametrize(
    ("compared", "drawn", "first"), [(False, 25, LOW_CONFIDENCE), (True, 16, DISAGREEMENT)], ids=["alone", "compared"]
)
def test_a_batch_keeps_the_share_that_is_drawn_at_random(desk: Desk, compared: bool, drawn: int, first: str) -> None:
    """Half of it; a fifth while a candidate is compared, when disagreements come first and the rest goes by turns."""
    reasons = (LOW_CONFIDENCE, DISAGREEMENT, AUDIT)
    for place, reason in enumerate(reasons):
        desk.put(60, reason, start=100 * place, chosen=RANDOM if reason == AUDIT else VALUE)
    queue = desk.open()
    items = queue.open_items(queue.batch("ann", compared=compared).batch)
    assert (len(items), [each.chosen for each in items].count(RANDOM)) == (50, drawn)
    items = queue.open_items(queue.batch("bob", size=2, compared=compared).batch)
    assert {reasons[int(each.request_id[2:]) // 100] for each in items} == {first, AUDIT}


def test_the_evidence_of_a_comparison_comes_first_and_its_conflicts_with_it(desk: Desk) -> None:
    """All of a batch but the fifth that is drawn at random, whatever else waits; without a comparison it takes turns.
    A request that was drawn at random as well may judge everywhere."""
    desk.put(60, LOW_CONFIDENCE, start=100)
    desk.put(60, EVIDENCE, start=200, chosen="evidence")
    desk.put(60, AUDIT, start=300, chosen=RANDOM)
    desk.put(2, CONFLICT, start=200)
    queue = desk.open()
    asked = queue.open_items(queue.batch("ann", compared=True).batch)
    reasons = [int(each.request_id[2:]) // 100 for each in asked]
    assert [reasons.count(place) for place in (1, 2, 3)] == [0, 40, 10]
    assert [each.chosen for each in asked].count("evidence") == 38
    assert {each.request_id for each in asked if each.chosen == "adjudication"} == {"rq200", "rq201"}
    alone = queue.open_items(queue.batch("bob").batch)
    reasons = [int(each.request_id[2:]) // 100 for each in alone]
    assert [reasons.count(place) for place in (1, 2, 3)] == [12, 13, 25]
    desk.put(1, AUDIT, start=259, chosen=RANDOM)
    desk.put(1, LOW_CONFIDENCE, start=258)
    queue.refresh()
    found = queue.index.rows("SELECT request_id, chosen FROM items WHERE request_id IN ('rq258', 'rq259')")
    assert dict(found) == {"rq258": "evidence", "rq259": "random"}


def test_a_request_waits_for_as_many_people_as_the_evidence_asks_for(desk: Desk) -> None:
    """Two labels by two people with `evidence_votes`, the same person is not asked twice."""
    desk.spec = replace(SPEC, review=ReviewPolicy(double_share=0.0, evidence_votes=2), people={"ann": (), "bob": ()})
    desk.put(1)
    queue = desk.open()
    assert queue.batch("ann").of == 1
    desk.answer(queue, "ann", "rq0", "a")
    assert [each.items for each in queue.waiting()] == [1]
    assert queue.batch("ann").of == 0
    assert queue.batch("bob").of == 1
    desk.answer(queue, "bob", "rq0", "a")
    assert queue.waiting() == ()


def test_a_blocked_request_is_asked_again(desk: Desk) -> None:
    """An answer from before is not enough, one from after is."""
    desk.put(1)
    queue = desk.open()
    queue.batch("ann")
    desk.answer(queue, "ann", "rq0", "a")
    desk.now += timedelta(minutes=1)
    desk.put(1, BLOCKED)
    queue.refresh()
    assert [(each.reason, each.items) for each in queue.waiting()] == [(LOW_CONFIDENCE, 1), (BLOCKED, 1)]
    assert queue.batch("bob").of == 1
    assert desk.answer(queue, "bob", "rq0", "a")["chosen"] == "adjudication"
    assert queue.waiting() == ()


@pytest.mark.parametrize("people", [{"ann": ()}, {"ann": (), "bob": ()}], ids=["alone", "a team"])
def test_nobody_decides_what_they_answered_unless_they_are_alone_and_a_day_has_passed(
    desk: Desk, people: dict[str, tuple[str, ...]]
) -> None:
    """A blocked request goes to another person; of a team of one it comes back after a day."""
    desk.spec = replace(SPEC, people=people)
    desk.put(1, chosen=RANDOM)
    queue = desk.open()
    queue.batch("ann")
    desk.answer(queue, "ann", "rq0", "a")
    desk.now += timedelta(minutes=1)
    desk.put(1, BLOCKED)
    queue.refresh()
    assert queue.batch("ann").of == 0
    desk.now += timedelta(hours=24)
    assert queue.batch("ann").of == (1 if len(people) == 1 else 0)
    if len(people) == 1:
        assert desk.answer(queue, "ann", "rq0", "b")["chosen"] == "adjudication"
        assert queue.waiting() == ()


def test_a_user_complaint_and_low_confidence_are_one_request_with_two_reasons(desk: Desk) -> None:
    """A request that is queued twice is asked once."""
    desk.put(1)
    desk.put(1, USER_FEEDBACK)
    desk.put(1, USER_FEEDBACK)
    queue = desk.open()
    assert [(each.reason, each.items) for each in queue.waiting()] == [(USER_FEEDBACK, 1), (LOW_CONFIDENCE, 1)]
    assert queue.batch("ann").of == 1


def test_old_texts_go_and_their_requests_leave_the_queue(desk: Desk) -> None:
    """After the days of retention a log is removed, and the rest of the queue stays."""
    old = desk.now - timedelta(days=120)
    enqueue(desk.home, "small", [QueuedRequest("old", LOW_CONFIDENCE, old, "old")], writer="cycle", now=old)
    desk.put(1)
    queue = desk.open()
    assert queue.batch("ann", size=1).of == 1
    assert len(forget_old_texts(desk.home, "small", SPEC, desk.now)) == 1
    queue.refresh()
    assert [each.items for each in queue.waiting()] == [1]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"label": "d"}, "bad_label"),
        ({"label": None}, "bad_answer"),
        ({"label": "a", "answer": "none"}, "bad_answer"),
        ({"label": None, "answer": "perhaps"}, "bad_answer"),
        ({"label": "a", "request_id": "rq9"}, "not_queued"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_answer_is_refused(desk: Desk, given: dict[str, Any], code: str) -> None:
    """A label that does not exist, no answer or two, and a request that nobody queued."""
    desk.put(1)
    queue = desk.open()
    with pytest.raises(RatchetError) as error:
        queue.correction("ann", "ann", given.pop("request_id", "rq0"), **{"saw_prediction": False, **given})
    assert error.value.code == code


_KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from ratchet.review.item import QueuedRequest
from ratchet.storage.home import Home
from ratchet.workflows.review.enqueue import enqueue
item = QueuedRequest("killed", "low_confidence", datetime.now(UTC), "text")
enqueue(Home(Path(sys.argv[1])), "small", [item], writer="cycle")
"""


@pytest.mark.parametrize("failpoint", ["review.before_write", "review.before_sync"])
def test_a_killed_writer_loses_nothing_that_was_acknowledged(desk: Desk, failpoint: str) -> None:
    """After kill -9 during an append, and with half a line, the log holds every acknowledged request and the next."""
    desk.put(2)
    process = subprocess.run(
        [sys.executable, "-c", _KILLED, str(desk.home.root)], env={**os.environ, VARIABLE: f"{failpoint}:kill"},
        check=False,
    )  # fmt: skip
    assert process.returncode == -signal.SIGKILL
    log = next(desk.home.review("small").glob("cycle-*.jsonl"))
    log.write_bytes(log.read_bytes() + b'00000000 {"event":"que')
    desk.put(1, start=2)
    waiting = {row[0] for row in desk.open().index.rows("SELECT request_id FROM items WHERE state = 'waiting'")}
    assert waiting - {"killed"} == {"rq0", "rq1", "rq2"}
