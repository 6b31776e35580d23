"""Rate of the stream and accuracy of its two strata: by what a team labelled, never by what the labels were."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ratchet.config.review import ReviewPolicy
from ratchet.rollout.evidence.absolute_accuracy import estimate_accuracy
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.evidence.repeats import describe_repeats
from ratchet.rollout.evidence.stream import Pace, Rate, Stream, choose_rate, is_due, lower_rate

NOW = datetime(2026, 3, 2, tzinfo=UTC)
POLICY = ReviewPolicy(labels_per_week=250, double_share=0.0)
PACE = Pace(votes_per_week=200, compared_per_week=7_000, differing=700, compared=7_000)
CASES: dict[str, tuple[ReviewPolicy, Pace, float, float]] = {
    # four fifths of 200 labels, 30 of them for agreements, over 7,000 requests of which a tenth differ
    "what the team labelled": (POLICY, PACE, 130 / 700, 30 / 6_300),
    "its wish counts only before the first label": (POLICY, replace(PACE, votes_per_week=0), 170 / 700, 30 / 6_300),
    "little traffic: all of it": (POLICY, replace(PACE, compared_per_week=300), 1.0, 30 / 270),
    "two votes each": (replace(POLICY, evidence_votes=2), PACE, 60 / 700, 20 / 6_300),
    "a tenth is labelled twice": (replace(POLICY, double_share=0.1), PACE, (160 / 1.1 - 30) / 700, 30 / 6_300),
    "two days of labels in hand are no backlog": (POLICY, replace(PACE, waiting=45), 130 / 700, 30 / 6_300),
    "a backlog comes off": (POLICY, replace(PACE, waiting=100), (130 - (100 - 320 / 7)) / 700, 30 / 6_300),
    "a week of backlog stops the draw": (POLICY, replace(PACE, waiting=400), 0.0, 0.0),
    "few labels: a quarter for agreements": (POLICY, replace(PACE, votes_per_week=20), 12 / 700, 4 / 6_300),
    "nothing was compared yet": (POLICY, Pace(200, 7_000), 130 / 700, 30 / 6_300),
}


@pytest.mark.parametrize("case", CASES)
def test_the_rate_follows_what_was_labelled(case: str) -> None:
    """Shares of compared requests, and of those whose agreements are labelled, too."""
    policy, pace, requests, agreements = CASES[case]
    rate = choose_rate(policy, pace, NOW)
    assert rate.requests == pytest.approx(requests, rel=0.02)
    assert rate.agreements == pytest.approx(agreements, rel=0.02)


def test_a_rate_only_falls_and_only_for_later_requests() -> None:
    """A clearly lower one is taken, once a day; a higher one never, and what was drawn before stays drawn."""
    before = Rate(NOW, 0.4, 0.02)
    later = NOW + timedelta(days=1)
    assert [is_due(before, at) for at in (NOW + timedelta(hours=23), later)] == [False, True]
    assert lower_rate(before, Rate(later, 0.8, 0.02)) is None
    assert lower_rate(before, Rate(later, 0.39, 0.02)) is None
    assert lower_rate(before, Rate(later, 0.1, 0.05)) == Rate(later, 0.1, 0.02)
    stream = Stream(drawn=True, rates=(before, Rate(later, 0.1, 0.02)))
    ends = (NOW - timedelta(days=1), NOW, later - timedelta(seconds=1), later)
    assert [stream.rate_at(at).requests for at in ends] == [0.4, 0.4, 0.4, 0.1]
    assert Stream.read(stream.as_json()) == Stream(drawn=True, rates=(stream.rates[-1],))
    assert Stream.read({}) is None
    odd = (Rate(later, 0.05), Rate(later + timedelta(days=1), 0.9), Rate(NOW, 0.01))
    read = Stream.read(Stream(drawn=True, rates=(before,)).as_json(), odd)
    assert read is not None
    assert [rate.requests for rate in read.rates] == [0.4, 0.05]
    with pytest.raises(ValueError, match="not shares"):
        Rate(NOW, 0.1, 0.2)


def test_a_stream_that_is_mostly_repeats_is_pointed_out() -> None:
    """One user for every request starves the evidence; a few repeats are nothing to mention."""
    few = Evidence(compared=100, repeated_users=90, repeated_texts=90)
    assert describe_repeats(few) == ""
    of_users = describe_repeats(replace(few, repeated_users=1_950))
    assert of_users.startswith("1,950 drawn requests are further ones of a user's day and do not count; user_id must")
    assert describe_repeats(replace(few, repeated_texts=400)).startswith("400 drawn requests are near-duplicates")


def test_accuracy_is_estimated_over_both_strata() -> None:
    """Agreements by their sample, differences by their labels; none where a stratum has no label."""
    found = estimate_accuracy(
        Evidence(requests=1_000, compared=1_000, losses=20, wins=50, neither=10, waiting=20, stream_disagreements=100,
                 agreements_labelled=30, agreements_right=27)
    )  # fmt: skip
    assert found is not None
    assert found.live == pytest.approx(0.9 * 0.9 + 0.1 * 20 / 80)
    assert found.candidate == pytest.approx(0.9 * 0.9 + 0.1 * 50 / 80)
    assert 0.08 < found.half_width < 0.12
    assert estimate_accuracy(Evidence()) is None
    without = Evidence(requests=10, compared=10, stream_disagreements=2, wins=2)
    assert estimate_accuracy(without) is None


def test_the_interval_of_the_accuracy_covers_the_truth() -> None:
    """In 19 of 20 drawn weeks, though only thirty agreements are labelled."""
    draw, covered, trials = random.Random(7), 0, 400  # noqa: S311 - a simulation
    for _ in range(trials):
        right = sum(draw.random() < 0.93 for _ in range(30))
        losses = sum(draw.random() < 0.5 for _ in range(100))
        found = estimate_accuracy(
            Evidence(requests=1_000, compared=1_000, losses=losses, wins=100 - losses, stream_disagreements=100,
                     agreements_labelled=30, agreements_right=right)
        )  # fmt: skip
        assert found is not None
        covered += abs(found.live - (0.9 * 0.93 + 0.1 * 0.5)) <= found.half_width
    assert covered >= 0.95 * trials
