"""Batches go to Label Studio and answers come back, each once: over HTTP against the local server."""

from typing import Any

import pytest

from ratchet.testing.label_studio.server import LocalLabelStudio

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
