"""A rollout of before its evidence was drawn ends and begins again; what the evidence lacks comes into the queue."""

import json
import shutil
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.errors import BlockedError
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.draw import draw
from ratchet.storage.home import Home
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.event_log import list_logs, read_lines
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, write_pairs
from ratchet.workflows.gates.answer_again import answer_again
from ratchet.workflows.gates.cycle_digests import digest_answers
from ratchet.workflows.gates.stored_answers import compare_with, read_stored_answers
from ratchet.workflows.review.queue import ReviewQueue
from ratchet.workflows.review.queue_evidence import queue_evidence
from ratchet.workflows.review.waiting import count_queued
from ratchet.workflows.rollout.advance import apply_decision, weigh
from ratchet.workflows.rollout.nominate import nominate, promote, shadow
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.rollout.replay import replay
from ratchet.workflows.rollout.rollback import roll_back

WEEK = "2026-01-12"
pytestmark = [pytest.mark.xdist_group("rollouts"), pytest.mark.slow]


@pytest.fixture
def home(passed: Home, tmp_path: Path) -> Home:
    """Week one is live, and week two has passed its cycle."""
    return Home(Path(shutil.copytree(passed.root, tmp_path / "home", symlinks=True)))


def test_a_rollout_of_before_ends_and_begins_again(home: Home) -> None:
    """Also at a step; the same candidate shadows again, under terms that its entry names, and a stop is respected."""
    ledger, nominee = Ledger(home), nominate(home, "small")
    made = {"actor": "test", "why": "test", "week": WEEK, "adapter": nominee.adapter}
    for action, percent in (("shadow", 0), ("step", 5)):
        receipts = nominee.receipts if action == "shadow" else {}
        at = datetime.now(UTC).isoformat()
        record(home, "small", action=action, percent=percent, receipts=receipts, ts=at, stream={}, **made)
    record(home, "small", **{**made, "action": "hold", "receipts": {}, "ts": at, "adapter": ledger.live("small")})
    assert weigh(home, "small").decision.action == "hold"
    record(home, "small", **{**made, "action": "resume", "receipts": {}, "ts": at, "adapter": ledger.live("small")})
    weighed = weigh(home, "small")
    assert weighed.decision.sentence == (
        "Expired: it began before its requests were drawn as evidence; it begins again"
    )
    apply_decision(home, "small", weighed)
    state, entries = ledger.state("small"), ledger.entries("small")
    assert [entry.action for entry in entries[-2:]] == ["expire", "shadow"]
    assert (state.challenger, state.percent) == (nominee.adapter, 0)
    assert entries[-1].stream["drawn"]
    assert weigh(home, "small").decision.action == "hold"


def test_a_candidate_of_before_a_gate_was_added_begins_again_without_its_receipt(home: Home) -> None:
    """It answers for the gates that its entry names; one that no entry names needs them all."""
    nominee, cycle = nominate(home, "small"), Cycle("small", parse_week(WEEK))
    for gate in ("calibration_regression", "slices"):
        (home.receipts(cycle) / f"{gate}.json").unlink()
    with pytest.raises(BlockedError, match="no verdict of calibration_regression, slices"):
        nominate(home, "small")
    fewer, at = Receipts(home).keep(cycle), datetime.now(UTC).isoformat()
    made = {"actor": "test", "why": "test", "week": WEEK, "adapter": nominee.adapter, "ts": at}
    record(home, "small", action="shadow", receipts=fewer, stream={}, **made)
    apply_decision(home, "small", weigh(home, "small"))
    entered = Ledger(home).state("small").entered
    assert (entered and entered.receipts, nominate(home, "small").receipts) == (fewer, fewer)


def test_what_the_evidence_lacks_comes_into_the_queue_once(home: Home) -> None:
    """Disagreements and drawn agreements under one reason, whose words tell neither answer; redacted, once."""
    entry = shadow(home, nominate(home, "small"))
    ids, words = [f"{WEEK}-{number:04d}" for number in range(12)], list(WORDS)
    rows = [(request, words[0], words[number % 2]) for number, request in enumerate(ids)]
    write_pairs(home, "small", (str(entry.previous_adapter), entry.adapter), entry.sequence, rows)
    with_labels = weigh(home, "small")
    assert with_labels.counted.whole.waiting == 0
    assert queue_evidence(home, "small", with_labels) == 0
    for path in home.landing("small", "corrections").iterdir():
        path.unlink()
    home.warehouse("small").unlink()  # nobody has labelled anything
    later = datetime.now(UTC) + timedelta(hours=1)
    weighed = weigh(home, "small", now=later)
    assert (weighed.counted.whole.waiting, weighed.counted.whole.compared) == (6, 12)
    assert [queue_evidence(home, "small", weighed, later) for _ in range(2)] == [12, 0]
    events = [event for path in list_logs(home, "small") for event, _, _ in read_lines(path, 0)]
    assert {event["request_id"] for event in events} == set(ids)
    roll_back(home, "small", "complaints")
    ended = weigh(home, "small", now=later)
    assert [count_queued(home, "small", "evidence"), queue_evidence(home, "small", ended, later)] == [12, 0]
    with closing(ReviewQueue.open(home, "small", Specs(home)["small"])) as queue:  # nobody is asked for it any more
        assert queue.waiting() == ()
    assert {(event["reason"], event["chosen"], event["detail"], event["slot"]) for event in events} == {
        ("evidence", "evidence", "drawn by a keyed hash of the request id", "")
    }


def test_replayed_pairs_are_drawn_like_those_of_a_gateway(home: Home) -> None:
    """By the keyed hash of the request id and the user's code in the log; they count once their labels had time."""
    secret = keep_secret(home.secret)
    with open_warehouse(home, "small").connect() as connection:
        extra = json.dumps({"user_hmac": "u1"})
        connection.execute("UPDATE production_logs SET extra = ? WHERE request_id LIKE '2026-01-12-000%'", [extra])
    entry = shadow(home, nominate(home, "small"))
    made = replay(home, "small", entry.adapter, datetime(2026, 1, 5, tzinfo=UTC))
    rows = [row for path in home.pairs("small").glob("*.parquet") for row in pq.read_table(path).to_pylist()]
    assert made.counts
    assert len(rows) == made.pairs > 10
    assert {row["draw"] for row in rows} == {draw(secret, "evidence", row["request_id"]) for row in rows}
    assert all(row["ts"] > row["asked"] for row in rows)
    of_user = [row for row in rows if row["user_hmac"] == "u1"]
    assert of_user
    young, ripe = (weigh(home, "small", now=datetime.now(UTC) + timedelta(hours=h)).counted.whole for h in (1, 49))
    assert young.compared == 0
    assert 0 < ripe.compared <= made.pairs - len(of_user) + len({row["asked"].date() for row in of_user})


def test_a_new_live_answers_the_items_of_a_candidate_that_waited(home: Home) -> None:
    """Golden and test items of its cycle, without training; the cycle's own answers stay, and it happens once."""
    cycle = Cycle("small", date(2026, 1, 5))
    adapter = str(Receipts(home).noted(cycle)["adapter"])
    warehouse = open_warehouse(home, "small")
    before = digest_answers(warehouse, cycle)
    answers = read_stored_answers(home, cycle, adapter)
    assert answers.compared_with is None
    assert not answer_again(home, cycle, adapter)  # it is live itself
    live = promote(home, nominate(home, "small"), "the second").adapter
    assert [answer_again(home, cycle, adapter) for _ in range(2)] == [True, False]
    assert digest_answers(warehouse, cycle) == before
    again = compare_with(home, answers, cycle, adapter, live)
    assert again is not None
    assert again.compared_with == live
    assert {row["split"] for row in again.paired or ()} == {"golden", "test"}
    assert len(again.paired or ()) == len(answers.golden) + len(answers.test)
    in_week_two = read_stored_answers(home, Cycle("small", date(2026, 1, 12)), live).golden
    assert sorted(again.golden["live"]) == sorted(in_week_two["candidate"])
