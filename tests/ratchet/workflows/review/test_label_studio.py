"""Batches go to Label Studio and answers come back, each once: over HTTP against the local server."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from orchestration.label_studio import label_studio_sensor
from ratchet.config.secret_variables import LABEL_STUDIO_TOKEN
from ratchet.core.errors import RatchetError
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.item import QueuedRequest
from ratchet.review.reasons import DISAGREEMENT, LOW_CONFIDENCE
from ratchet.storage.specs import Specs
from ratchet.testing.homes import keep_receipts
from ratchet.testing.label_studio.server import PERSONAL, TOKEN, LocalLabelStudio, StudioFault
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.rollout.reconcile import record

pytestmark = pytest.mark.slow


def test_a_batch_is_sent_and_its_answers_are_corrections(studio_desk: Any, studio: LocalLabelStudio) -> None:
    """Each answer keeps person, time, seconds, note, batch and choice; polled again, it is not taken again."""
    people = studio.people
    ann, bob = people.add_user("Ann@corp.example"), people.add_user("bob@corp.example")
    studio_desk.put(3)
    studio_desk.put(1, start=3, chosen="random", probability=0.1)
    sent = studio_desk.push()
    assert (sent.sent, sent.open) == (4, 4)
    people.annotate(ann, people.task_of("rq0"), "a", note="sure", seconds=2.25)
    people.annotate(bob, people.task_of("rq1"), "ratchet:none")
    people.annotate(ann, people.task_of("rq2"), "Cannot tell")
    people.annotate(bob, people.task_of("rq3"), None)
    found = studio_desk.poll()
    assert (found.votes, found.skips, found.withdrawn) == (3, 1, 0)
    assert studio_desk.poll().votes == 0
    rows = studio_desk.rows()
    assert [(row["request_id"], row["annotator"], row["label"], row["answer"]) for row in rows] == [
        ("rq0", "ann@corp.example", "a", None),
        ("rq1", "bob@corp.example", None, "none"),
        ("rq2", "ann@corp.example", None, "cannot_tell"),
    ]
    assert (rows[0]["seconds"], rows[0]["note"], rows[0]["chosen"], rows[0]["saw_prediction"]) == (
        2.25, "sure", "value", False,
    )  # fmt: skip
    assert len({row["batch"] for row in rows}) == 1
    assert studio_desk.push().sent == 0
    assert "4 tasks there, 3 answers, 1 open" in studio_desk.status()


def test_disagreements_are_sent_first_while_a_candidate_is_compared(studio_desk: Any, studio: LocalLabelStudio) -> None:
    """As on the page and at the terminal."""
    home = studio_desk.home
    for reason, start in ((LOW_CONFIDENCE, 0), (DISAGREEMENT, 3)):
        items = [QueuedRequest(f"rq{n}", reason, datetime.now(UTC), "a text") for n in range(start, start + 3)]
        enqueue(home, "small", items, writer="gateway")
    for action, adapter in (("promote", "a" * 64), ("shadow", "b" * 64)):
        receipts, week = keep_receipts(home, "small", "2026-01-05", adapter), "2026-01-05"
        said = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": week}
        record(home, "small", action=action, adapter=adapter, receipts=receipts, **said)
    assert studio_desk.push(size=1).sent == 1
    (task,) = studio.people.contents.tasks.values()
    assert int(task["data"]["request_id"][2:]) >= 3


def test_answers_are_those_of_people_as_they_spoke(studio_desk: Any, studio: LocalLabelStudio) -> None:
    """Mapped by mail, unlisted ones wait; who changed an annotation speaks; what showed a prediction is anchored."""
    people = studio.people
    with studio_desk.home.spec("small").open("a") as spec:
        spec.write('[people]\nann = ["ann@corp.example"]\nbob = ["bob"]\n')
    ann, bob, eve = (people.add_user(f"{name}@{host}") for name, host in (
        ("Ann", "corp.example"), ("bob", "localhost"), ("eve", "corp.example"),
    ))  # fmt: skip
    studio_desk.put(4)
    studio_desk.push(size=4)
    first = people.annotate(ann, people.task_of("rq0"), "a")
    people.annotate(eve, people.task_of("rq1"), "b")
    people.contents.tasks[people.task_of("rq2")]["total_predictions"] = 1
    people.annotate(ann, people.task_of("rq2"), "c")
    found = studio_desk.poll()
    assert (found.votes, found.unknown) == (2, ("eve@corp.example",))
    assert "wait: eve@corp.example" in studio_desk.status()
    people.change(first, bob, "b")
    studio_desk.poll()
    rows = {(row["request_id"], row["annotator"]): row for row in studio_desk.rows()}
    assert {key: (row["label"], row["saw_prediction"]) for key, row in rows.items()} == {
        ("rq0", "ann"): ("a", False), ("rq0", "bob"): ("b", False), ("rq2", "ann"): ("c", True),
    }  # fmt: skip
    spec_text = studio_desk.home.spec("small").read_text()
    studio_desk.home.spec("small").write_text(f'{spec_text}eve = ["eve@corp.example"]\n')
    assert studio_desk.poll().votes == 1
    assert studio_desk.verdicts()["rq1", "eve"] == "b"


def test_a_deleted_annotation_gives_way_to_another_of_the_same_person(
    studio_desk: Any, studio: LocalLabelStudio
) -> None:
    """Also a repeated page, a choice taken away, and a task that was deleted, which takes nothing back."""
    people = studio.people
    ann = people.add_user("ann@corp.example")
    studio_desk.put(3)
    studio_desk.push()
    people.annotate(ann, people.task_of("rq0"), "a")
    second = people.annotate(ann, people.task_of("rq0"), "b")
    other = people.annotate(ann, people.task_of("rq1"), "a")
    people.annotate(ann, people.task_of("rq2"), "c")
    assert studio_desk.poll().votes == 4
    people.delete(second)
    people.change(other, ann, None)
    del people.contents.tasks[people.task_of("rq2")]
    found = studio_desk.poll()
    assert (found.votes, found.withdrawn, found.skips, found.gone) == (1, 1, 1, 1)
    assert {request: verdict for (request, _), verdict in studio_desk.verdicts().items()} == {
        "rq0": "a", "rq1": "withdrawn", "rq2": "c",
    }  # fmt: skip
    assert "1 tasks were deleted or lost" in studio_desk.status()


def test_the_token_is_taken_from_the_environment_and_stands_nowhere(
    studio_desk: Any, studio: LocalLabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one nothing is sent; a personal one is exchanged; no file, reason or error of a failing run holds it."""
    studio_desk.put(1)
    with pytest.raises(RatchetError, match=r"token for Label Studio .* is missing"):
        replace(studio_desk, environment={}).push()
    assert not studio.requests
    assert replace(studio_desk, environment={LABEL_STUDIO_TOKEN: PERSONAL}).push().sent == 1
    people = studio.people
    people.annotate(people.add_user("ann@corp.example"), people.task_of("rq0"), "a")
    monkeypatch.setenv(LABEL_STUDIO_TOKEN, TOKEN)
    studio.faults = [StudioFault("GET /api/tasks", "refuse", 403)]
    with dg.DagsterInstance.ephemeral() as instance:
        reasons = []
        for _ in range(2):
            context = dg.build_sensor_context(instance=instance)
            reason = label_studio_sensor(context, home=studio_desk.home)
            assert isinstance(reason, dg.SkipReason)
            reasons.append(str(reason.skip_message))
    assert "HTTP 403" in reasons[0]
    assert "1 answers" in reasons[1]
    assert label_studio_sensor.default_status is dg.DefaultSensorStatus.STOPPED
    files = [path.read_bytes() for path in studio_desk.home.root.rglob("*") if path.is_file()]
    for secret in (TOKEN, PERSONAL):
        assert secret not in json.dumps(reasons)
        assert not any(secret.encode() in content for content in files)


def test_a_served_label_is_shown_where_it_was_asked_for_and_anchors_the_answer(
    studio_desk: Any, studio: LocalLabelStudio
) -> None:
    """Of a request whose served label is known; the others stay blind."""
    home, people = studio_desk.home, studio.people
    row = {"request_id": "rq0", "ts": "2026-02-16T09:00:00Z", "text": "text 0", "label": "b"}
    logs = home.root / "week.jsonl"
    logs.write_text(json.dumps(row))
    Landing(home, open_warehouse(home, "small")).deliver(Specs(home)["small"], "production_logs", logs)
    studio_desk.put(2)
    assert studio_desk.push(predictions=True).sent == 2
    shown = {task["data"]["request_id"]: task["total_predictions"] for task in people.contents.tasks.values()}
    assert shown == {"rq0": 1, "rq1": 0}
    ann = people.add_user("ann@corp.example")
    for request_id in shown:
        people.annotate(ann, people.task_of(request_id), "b")
    studio_desk.poll()
    assert {row["request_id"]: row["saw_prediction"] for row in studio_desk.rows()} == {"rq0": True, "rq1": False}
