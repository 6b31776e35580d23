"""The random draw follows the labels that a team gives, and a flood of doubtful answers has a budget."""

import pytest

from ratchet.config.review import ReviewPolicy
from ratchet.review.audit import audit_rate, has_budget
from ratchet.review.draw import AUDIT, is_drawn

POLICY = ReviewPolicy(labels_per_week=200)


@pytest.mark.parametrize(
    ("last", "this", "compared", "rate"),
    [
        (10_000, 0, False, 0.01),
        (10_000, 0, True, 0.004),
        (10_000, 50_000, False, 0.002),
        (0, 0, False, 1.0),
        (60, 20, False, 1.0),
        (0, 1_000_000, True, 0.00004),
    ],
    ids=["half", "compared", "more-traffic", "new", "few", "many"],
)
def test_the_rate_gives_the_audit_share_of_a_weeks_labels(last: int, this: int, compared: bool, rate: float) -> None:
    """By last week's traffic, or this one's where that is more; never above 1."""
    assert audit_rate(POLICY, last, this, compared=compared) == pytest.approx(rate)


def test_a_week_at_its_rate_draws_about_the_share() -> None:
    """100 of 10,000 expected (standard deviation 10), independent of the key's other draws and of another key's."""
    rate = audit_rate(POLICY, 10_000, 0, compared=False)
    drawn = {key: {n for n in range(10_000) if is_drawn(key, AUDIT, f"rq_{n}", rate)} for key in (b"one", b"two")}
    assert all(60 <= len(found) <= 140 for found in drawn.values())
    assert len(drawn[b"one"] & drawn[b"two"]) < 10


def test_the_budget_of_a_reason_grows_over_the_week() -> None:
    """A week of labels at once, four in a week; Monday never uses up Friday's."""
    full = {elapsed: sum(has_budget(POLICY, n, elapsed) for n in range(2000)) for elapsed in (-1.0, 0.0, 0.5, 1.0, 9.0)}
    assert full == {-1.0: 200, 0.0: 200, 0.5: 500, 1.0: 800, 9.0: 800}
