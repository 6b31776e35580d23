"""The time until a decision follows from the pace of labels and requests, and is never promised where it cannot be."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.intervals import paired_difference_interval
from ratchet.rollout.evidence import Evidence
from ratchet.rollout.forecast import Obstacle, describe_pace, find_lack, find_narrowing, labels_needed

POLICY = PromotionPolicy(min_requests=200, min_labels=100, margin=0.05)
DAY = timedelta(days=1)
ENOUGH = Evidence(requests=400, disagreements=30, answered=40, labelled=150, only_incumbent=6, only_challenger=12)

LACKS: dict[str, tuple[Evidence, timedelta, str | None, float | None]] = {
    "nothing": (replace(ENOUGH, daily_labels=3.0), DAY, None, None),
    "labels, at a known pace": (replace(ENOUGH, labelled=40, daily_labels=12.0), DAY,
                                "40 of 100 labelled requests, about 5 days more at 12 a day", 5.0),
    "labels, at an unknown pace": (replace(ENOUGH, labelled=40), DAY, "40 of 100 labelled requests", None),
    "labels that never come": (replace(ENOUGH, labelled=40, daily_labels=0.0), DAY,
                               "40 of 100 labelled requests, none comes, so no decision can be foreseen", None),
    "requests": (Evidence(requests=30, daily_labels=9.0), 2 * DAY,
                 "30 of 200 compared requests, about 11 days more at 15 a day", 170 / 15),
    "requests, an hour after the start": (Evidence(), DAY / 24, "0 of 200 compared requests", None),
    "requests that never come": (Evidence(), 2 * DAY,
                                 "0 of 200 compared requests, none comes, so no decision can be foreseen", None),
    "an answer of the candidate": (replace(ENOUGH, answered=0, daily_labels=3.0), 10 * DAY,
                                   "0 of 1 requests answered by the candidate, about 12 hours more at 2 a day", 0.5),
}  # fmt: skip


@pytest.mark.parametrize("case", LACKS)
def test_what_is_lacking_is_said_with_the_time_that_it_takes(case: str) -> None:
    """By the table, at a step of 5 %; the evidence of step and comparison is the same."""
    evidence, since, said, days = LACKS[case]
    found = find_lack(5, POLICY, evidence, evidence, since)
    assert (found.describe() if found else None) == said
    assert found is None or found.days == (None if days is None else pytest.approx(days))


def test_half_of_the_requests_in_the_shadow_give_half_of_the_labels() -> None:
    """The pace is of all requests, and `shadow_share` of them are compared."""
    evidence = replace(ENOUGH, labelled=40, daily_labels=12.0)
    found = find_lack(0, replace(POLICY, shadow_share=0.5), evidence, evidence, DAY)
    assert found is not None
    assert found.days == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("days", "age", "in_time"), [(5.0, 3.0, True), (53.0, 3.0, True), (53.1, 3.0, False), (None, 3.0, False)]
)
def test_an_attempt_lasts_eight_weeks_at_most(days: float | None, age: float, in_time: bool) -> None:
    """Its age counts, and nothing that cannot be foreseen is waited for."""
    assert Obstacle("few", days).comes_in_time(timedelta(days=age)) is in_time


def test_the_labels_that_an_interval_needs_clear_the_margin() -> None:
    """With the shares of now, and with a fifth fewer they would not; a candidate that looks worse never does."""
    wide = replace(ENOUGH, labelled=120, only_incumbent=8, daily_labels=10.0)
    needed = labels_needed(POLICY, wide)
    assert needed is not None

    def low(n: int) -> float:
        return paired_difference_interval(8 * n / 120, 12 * n / 120, n)[0]

    assert low(needed) >= -POLICY.margin > low(round(needed * 0.79))
    assert find_narrowing(POLICY, wide).describe().startswith(f"the interval needs about {needed} labelled requests, ")
    worse = replace(wide, only_incumbent=24)
    assert (labels_needed(POLICY, worse), find_narrowing(POLICY, worse)) == (None, Obstacle(""))
    assert labels_needed(POLICY, Evidence()) is None


@pytest.mark.parametrize(
    ("daily", "said"),
    [
        (12.5, "A rollout's decision takes about 8 days: 100 labelled requests at 12 a day."),
        (400.0, "A rollout's decision takes about 6 hours: 100 labelled requests at 400 a day."),
        (0.5, "takes about 29 weeks: 100 labelled requests at 0.5 a day, longer than the 56 days of an attempt: label"),
        (0.0, "No blind label came in four weeks; a rollout's decision needs 100 labelled requests."),
    ],
)
def test_a_plan_says_how_long_a_decision_takes(daily: float, said: str) -> None:
    """In hours, days or weeks; where it is longer than an attempt may take, with the fix."""
    assert said in describe_pace(POLICY, daily)
