"""The time until a decision follows from the pace of labels and requests, and is never promised where it cannot be."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.betting import log_not_worse
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.forecast import find_labels, find_lack, labels_needed
from ratchet.rollout.proof import prove

POLICY = PromotionPolicy(min_requests=200)
DAY = timedelta(days=1)
ENOUGH = Evidence(requests=400, disagreements=30, answered=40)
UNSURE = Evidence(
    requests=400, disagreements=45, compared=360, losses=12, wins=19, neither=5, waiting=9, stream_disagreements=45
)

LACKS: dict[str, tuple[Evidence, timedelta, str | None]] = {
    "nothing": (ENOUGH, DAY, None),
    "requests": (Evidence(requests=30), 2 * DAY, "30 of 200 compared requests, about 11 days more at 15 a day"),
    "requests, an hour after the start": (Evidence(), DAY / 24, "0 of 200 compared requests"),
    "requests that never come": (Evidence(), 2 * DAY,
                                 "0 of 200 compared requests, none comes, so no decision can be foreseen"),
    "an answer of the candidate": (replace(ENOUGH, answered=0), 10 * DAY,
                                   "0 of 1 requests answered by the candidate, about 12 hours more at 2 a day"),
}  # fmt: skip


@pytest.mark.parametrize("case", LACKS)
def test_what_is_lacking_is_said_with_the_time_that_it_takes(case: str) -> None:
    """By the table, at a step of 5 %; the evidence of step and comparison is the same."""
    evidence, since, said = LACKS[case]
    found = find_lack(POLICY, evidence, evidence, since, percent=5, entering=True)
    assert (found.describe() if found else None) == said


def test_the_requests_of_errors_and_latency_are_asked_before_the_first_step_alone() -> None:
    """Later ones have `min_step_requests`."""
    few = Evidence(requests=60, answered=6)
    assert find_lack(POLICY, few, few, DAY, percent=5, entering=False) is None
    assert find_lack(POLICY, few, few, DAY, percent=0, entering=True) is not None


LABELS: dict[str, tuple[Evidence, int, str]] = {
    "at an unknown pace": (UNSURE, 4, "36 of about 119 labels"),
    "at a known pace": (replace(UNSURE, pace_labels_per_day=24.0), 4,
                        "36 of about 119 labels, about 3 days more at 24 a day"),
    "that nobody gives": (replace(UNSURE, pace_labels_per_day=0.0), 4, "36 of about 119 labels, and at 0 a day for 22 a"
                          " day that differ no promotion is possible within 2 weeks: unlabelled ones count as losses"),
    "few of them: the number for two points": (replace(UNSURE, losses=1, wins=2, neither=0, waiting=42), 4,
                                               "3 of about 130 labels"),
    "of one that looks worse": (replace(UNSURE, losses=25, wins=6), 4,
                                "36 labels, and at these shares no number of them shows enough"),
    "too young": (Evidence(unripe=7), 1, "7 disagreements are younger than 48 h"),
    "of nothing": (Evidence(), 1, "no request is compared and old enough yet"),
}  # fmt: skip


@pytest.mark.parametrize("case", LABELS)
def test_the_labels_that_are_lacking_are_said_with_what_the_pace_makes_of_them(case: str) -> None:
    """By the table: so many days after the comparison began."""
    evidence, days, said = LABELS[case]
    assert find_labels(POLICY, evidence, prove(POLICY, evidence, evidence), days * DAY).describe() == said


def test_the_labels_that_are_needed_show_it_and_fewer_do_not() -> None:
    """With the shares of now; one label less is too few."""
    needed = labels_needed(POLICY, UNSURE)
    assert needed is not None

    def shows(labels: int) -> bool:
        times = labels / 45
        found = log_not_worse(12 / 36 * 45 * times, 19 / 36 * 45 * times, 360 * times, POLICY.margin)
        return float(found) >= math.log(POLICY.limit)

    assert shows(needed)
    assert not shows(needed - 1)
    assert labels_needed(POLICY, Evidence()) is None
