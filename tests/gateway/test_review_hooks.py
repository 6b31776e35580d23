"""Requests of a running gateway come into the review queue by themselves, and no answer waits for that or is lost."""

from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from ratchet.storage.home import Home
from ratchet.storage.review.event_log import list_logs, read_lines
from ratchet.storage.specs import Specs
from ratchet.workflows.rollout.policy import enter_policy

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]
URL = "/v1/classifiers/small"


def queued(home: Home) -> dict[tuple[str, str], dict[str, Any]]:
    """The lines of the queue's log by request and reason; each comes once."""
    lines = [event for path in list_logs(home, "small") for event, _, _ in read_lines(path, 0)]
    result = {(event["request_id"], event["reason"]): event for event in lines}
    assert len(result) == len(lines)
    return result


def test_complaints_doubts_and_disagreements_are_queued_with_the_slot_that_answered(
    serve: Serve, home: Home, made: Any, enter: Callable[..., None]
) -> None:
    """Redacted; the words of the log name no label that a model answered."""
    spec = home.spec("small")
    spec.write_text(spec.read_text().replace('name = "amber"\n', 'name = "amber"\nthreshold = 0.9999\n'))
    enter_policy(home, "small", "refunds are checked")
    enter(made[1][1], "shadow")
    client = serve()
    mixed = ["password money", "refund delivered password"]  # the two adapters answer differently
    texts = [*(f"money back please {n}, ann@example.org" for n in range(3)), *mixed]
    answers = [client.post(URL, json={"text": text}).json() for text in texts]
    body = {"classifier": "small", "request_id": answers[0]["request_id"], "verdict": "wrong", "label": "green"}
    for _ in range(2):
        assert client.post("/v1/feedback", json=body).status_code == 202
    right = {**body, "request_id": answers[1]["request_id"], "verdict": "right", "label": None}
    assert client.post("/v1/feedback", json=right).status_code == 202
    client.__exit__(None, None, None)
    found = queued(home)
    complained = [request_id for request_id, reason in found if reason == "user_feedback"]
    assert complained == [answers[0]["request_id"]]
    limits = {label.name: label.threshold for label in Specs(home)["small"].label}
    assert limits["amber"] == 0.9999
    doubtful = {each["request_id"] for each in answers if each["confidence"] < limits[each["label"]]}
    assert {request_id for request_id, reason in found if reason == "low_confidence"} == doubtful
    assert doubtful
    segments = home.pairs("small").glob("*.parquet")
    pairs = [row for path in segments for row in pq.read_table(path).to_pylist()]
    assert len(pairs) == len(answers)
    apart = {row["request_id"] for row in pairs if row["served_label"] != row["other_label"]}
    assert {request_id for request_id, reason in found if reason == "disagreement"} == apart
    assert apart
    assert {event["slot"] for event in found.values()} == {"live"}
    queued_texts = {event["text"] for event in found.values()}
    assert "money back please 0, [EMAIL]" in queued_texts
    assert queued_texts <= {*(f"money back please {n}, [EMAIL]" for n in range(3)), *mixed}
    client.__enter__()
    shown = client.get("/metrics").text
    for reason, number in (("low_confidence", len(doubtful)), ("user_feedback", 1), ("split", 0)):
        series = f'ratchet_review_waiting_requests{{classifier="small",reason="{reason}"}} {float(number)}'
        assert series in shown.splitlines()
    for path in home.review("small").glob("queue.sqlite*"):
        path.unlink()
    (home.review("small") / "queue.sqlite").mkdir()  # what cannot be read is not said to be empty
    kept = [line for line in shown.splitlines() if line.startswith("ratchet_review_waiting")]
    assert [line for line in client.get("/metrics").text.splitlines() if line in kept] == kept


def test_an_answer_is_given_and_logged_where_its_item_cannot_be_queued(serve: Serve, home: Home) -> None:
    """F04: the item is counted as lost, the answer is 200 and its row is on disk."""
    client = serve(durable=True)
    home.review("small").write_bytes(b"a file in place of the folder")
    reply = client.post(URL, json={"text": "money back please"})
    assert (reply.status_code, reply.headers.get("X-Ratchet-Logged")) == (200, None)
    said = {"classifier": "small", "request_id": reply.json()["request_id"], "verdict": "wrong"}
    assert client.post("/v1/feedback", json=said).status_code == 202
    home.review("small").unlink()
    client.__exit__(None, None, None)
    client.__enter__()  # what was acknowledged is queued from its row
    client.__exit__(None, None, None)
    assert (reply.json()["request_id"], "user_feedback") in queued(home)
    client.__enter__()
