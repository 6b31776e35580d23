"""`ratchet people`: figures by person, a suspension with all that follows from it, and a kill in the midst of one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.row_log import CORRECTIONS, RowLog
from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.failpoints import VARIABLE
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.item import QueuedRequest
from ratchet.review.reasons import AUDIT
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.review.suspensions import Suspensions
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.log import read_log
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.review.queue import ReviewQueue
from ratchet.workflows.review.trained_on import find_trained_adapters
from ratchet.workflows.verify import verify_ledger

pytestmark = pytest.mark.slow  # a home in which a cycle ran, and a process of its own


def waiting(home: Home) -> dict[str, int]:
    """Requests that wait, by reason."""
    spec: Spec = Specs(home)["tickets"]
    queue = ReviewQueue.open(home, "tickets", spec)
    found = {each.reason: each.items for each in queue.waiting()}
    queue.close()
    return found


def alone(home: Home, person: str, requests: int) -> list[str]:
    """Leave `requests` of the week with the label of one person only; return them."""
    with open_warehouse(home, "tickets").connect() as connection:
        found = connection.execute(
            "SELECT request_id FROM corrections WHERE annotator = ? ORDER BY request_id LIMIT ?", [person, requests]
        ).fetchall()
        ids = [request for (request,) in found]
        connection.execute("DELETE FROM corrections WHERE annotator <> ? AND request_id IN (SELECT unnest(?))",
                           [person, ids])  # fmt: skip
    return ids


def test_people_stand_by_name_with_what_there_is_enough_of(ran_home: Path, call: Callable[..., Any]) -> None:
    """One of both saw the predictions, so that agreement is unknown; a week is a filter; the page's file is written."""
    shown = call("--home", ran_home, "people", "tickets")
    assert shown.code == 0, shown.err
    lines = [line.split() for line in shown.out.splitlines()]
    assert [line[:3] for line in lines[1:3]] == [["ann_a", "90", "0"], ["ann_b", "90", "0"]]
    assert shown.out.count("not enough to say") == 6
    assert "No request has blind labels of two people: agreement is unknown." in shown.out
    week = json.loads(call("--home", ran_home, "people", "tickets", "--week", "2026-W02", "--json").out)
    assert {(each["person"], each["week"]) for each in week["people"]} == {
        ("ann_a", "2026-01-05"),
        ("ann_b", "2026-01-05"),
    }
    written = json.loads((ran_home / "tickets" / "review" / "people.json").read_text())
    assert [each["labels"] for each in written["people"]] == [90, 90]
    other = call("--home", ran_home, "people", "tickets", "--week", "2026-W20")
    assert (other.code, "2026-05-11" in other.err) == (1, True)


def test_a_suspension_reaches_queue_log_votes_and_the_list_of_adapters(
    ran_home: Path, call: Callable[..., Any]
) -> None:
    """The line is signed and verified; requests with a label of that person alone are asked again; all by one name."""
    home = Home(ran_home)
    lost = alone(home, "ann_a", 12)
    done = call("--home", ran_home, "people", "tickets", "--suspend", "ANN_A ", "--why", "labels without reading")
    assert done.code == 0, done.err
    assert "no label of ann_a counts since" in done.out
    assert "12 request(s) that lost their only label are asked again" in done.out
    (entry,) = Suspensions(home, "tickets").entries()
    (adapter,) = entry.adapters
    assert (entry.labels, adapter["examples"] == adapter["of"], adapter["of"] > 50) == (90, True, True)
    assert str(adapter["adapter"])[:12] in done.out
    assert waiting(home) == {"suspended": len(lost)}
    (line,) = read_log(home, "tickets", ["people"]).entries
    assert (line.event, line.what, line.why, line.signed) == ("suspend", "ann_a", "labels without reading", True)
    votes = open_warehouse(home, "tickets").frame("SELECT DISTINCT person FROM attributed_corrections")
    assert list(votes["person"]) == ["ann_b"]
    found = {each.what: each for each in verify_ledger(home, "tickets")}
    assert found["suspensions"].detail == "1 lines, chained and signed"
    again = call("--home", ran_home, "people", "tickets", "--suspend", "ann_a", "--why", "once more", "--json")
    assert (again.code, json.loads(again.out)["queued"], waiting(home)) == (0, 12, {"suspended": 12})
    back = call("--home", ran_home, "people", "tickets", "--reinstate", "ann_a", "--why", "spoke with her")
    assert (back.code, "count again" in back.out, waiting(home)) == (0, True, {})
    assert "12 request(s) that have a label again are not asked any more" in back.out
    once_more = call("--home", ran_home, "people", "tickets", "--reinstate", "ann_a", "--why", "spoke with her")
    assert (once_more.code, "ann_a is not suspended" in once_more.err) == (1, True)
    assert [each.event for each in read_log(home, "tickets", ["people"]).entries] == ["suspend", "reinstate"]


def test_who_has_answered_may_be_suspended_before_any_row_is_ingested(tmp_path: Path, call: Callable[..., Any]) -> None:
    """A person is known from the gateway's journal: nobody goes on reading texts until the hour's rows are taken in."""
    home = Home(tmp_path)
    SmallClassifier(home, "tickets").write()
    enqueue(home, "tickets", [QueuedRequest("rq1", AUDIT, datetime.now(UTC), "a text")], writer="gateway")
    row = {"request_id": "rq1", "ts": datetime.now(UTC).isoformat(), "label": "green", "answer": None,
           "annotator": "bob", "saw_prediction": False, "chosen": None}  # fmt: skip
    log = RowLog(home)
    log.append("tickets", CORRECTIONS, row).result(timeout=30)
    words = ("--home", tmp_path, "people", "tickets", "--why", "reads without labelling", "--suspend")
    assert call(*words, "eve").code == 1
    done = call(*words, "bob")
    assert done.code == 0, done.err
    assert Suspensions(home, "tickets").names() == {"bob"}
    assert waiting(home) == {"audit": 1}
    log.close()


def test_an_adapter_whose_week_ran_again_is_listed_without_a_number(ran_home: Path) -> None:
    """Its examples are no longer those that are stored, and it may have trained on these labels."""
    home = Home(ran_home)
    receipts, (week,) = Receipts(home), Receipts(home).weeks("tickets")
    receipts.note(Cycle("tickets", parse_week(week)), training_set="0" * 64)
    (found,) = find_trained_adapters(home, "tickets", open_warehouse(home, "tickets"), "ann_a")
    assert (found["examples"], found["of"], found["week"]) == (None, None, week)
    assert find_trained_adapters(home, "tickets", open_warehouse(home, "tickets"), "nobody") == []


def test_a_wrong_name_or_no_reason_changes_nothing(ran_home: Path, call: Callable[..., Any]) -> None:
    """Each is one sentence with the nearest name, and an exit code."""
    cases = [
        (("--suspend", "ann_c", "--why", "x"), 1, "ann_c has labelled nothing of tickets"),
        (("--suspend", "ann_c", "--why", "x"), 1, "Did you mean 'ann_"),
        (("--suspend", "ann_a"), 64, "--why is missing"),
        (("--reinstate", "ann_a"), 64, "--why is missing"),
        (("--suspend", "ann_a", "--why", " "), 64, "--why is empty"),
        (("--suspend", "a\x1bb", "--why", "x"), 1, "control characters"),
        (("--reinstate", "ann_a", "--why", "x"), 1, "ann_a is not suspended (suspended: nobody)"),
        (("--suspend", "ann_a", "--reinstate", "ann_a", "--why", "x"), 64, "Give one of them"),
    ]
    for words, code, says in cases:
        found = call("--home", ran_home, "people", "tickets", *words)
        assert (found.code, says in found.err) == (code, True), (words, found.err)
    assert not (ran_home / "tickets" / "review" / "suspensions.jsonl").exists()


def test_a_kill_after_the_line_is_made_good_by_the_same_command(
    ran_home: Path, call: Callable[..., Any], execute: Callable[..., Any]
) -> None:
    """The labels count no more at once; what is asked again follows."""
    home = Home(ran_home)
    alone(home, "ann_b", 5)
    words = ("--home", ran_home, "people", "tickets", "--suspend", "ann_b", "--why", "left")
    assert execute(*words, **{VARIABLE: "suspension.after_line:kill"}).code == -9
    assert (len(Suspensions(home, "tickets").entries()), waiting(home)) == (1, {})
    assert call(*words).code == 0
    assert (len(Suspensions(home, "tickets").entries()), waiting(home)) == (1, {"suspended": 5})
    back = ("--home", ran_home, "people", "tickets", "--reinstate", "ann_b", "--why", "stays")
    assert execute(*back, **{VARIABLE: "reinstatement.after_line:kill"}).code == -9
    assert (len(Suspensions(home, "tickets").entries()), waiting(home)) == (2, {"suspended": 5})
    done = call(*back, "--json")
    assert (done.code, json.loads(done.out)["withdrawn"], waiting(home)) == (0, 5, {})
    assert len(Suspensions(home, "tickets").entries()) == 2
