"""Causes to queue an answered request: pure functions of the answer, whose words tell no label."""

from datetime import UTC, datetime

import pytest

from ratchet.review.causes import AnsweredRequest, Cause, audit, complaint, disagreement, low_confidence

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def answer(confidence: float | None = 0.4) -> AnsweredRequest:
    """An answer of the live slot."""
    return AnsweredRequest("rq_1", "text", "live", "amber", confidence)


@pytest.mark.parametrize(
    ("cause", "queued"),
    [
        (low_confidence(answer(), 0.5), ("low_confidence", "value", None, 0.1)),
        (low_confidence(answer(0.5), 0.5), None),
        (low_confidence(answer(None), 0.5), None),
        (disagreement(answer(0.9), "green", 0.7), ("disagreement", "value", None, 0.7)),
        (disagreement(answer(0.9), "amber", 0.7), None),
        (disagreement(answer(0.9), None, None), None),
        (disagreement(answer(None), "green", 0.7), ("disagreement", "value", None, 0.0)),
        (complaint(answer(), "web"), ("user_feedback", "value", None, 1.0)),
        (audit(answer(), b"key", 1.0), ("audit", "random", 1.0, 0.0)),
        (audit(answer(), b"key", 0.0), None),
    ],
    ids=["low", "at-threshold", "no-confidence", "other", "same", "no-answer", "edge", "complaint", "drawn", "undrawn"],
)
def test_each_cause_says_how_and_why_it_was_chosen(
    cause: Cause | None, queued: tuple[str, str, float | None, float] | None
) -> None:
    """Reason, choice, probability and value; the slot is that which answered, and no detail names a label."""
    if queued is None:
        assert cause is None
        return
    assert cause is not None
    item = cause.as_item("redacted", NOW)
    assert (item.reason, item.chosen, item.probability, pytest.approx(item.value)) == queued
    assert (item.text, item.slot, item.ts) == ("redacted", "live", NOW)
    assert item.detail
    assert not {"amber", "green"} & set(item.detail.split())
