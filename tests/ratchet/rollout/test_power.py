"""What a team's labels can decide is said in words before they are spent, and agrees with the exact walk."""

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.config.review import ReviewPolicy
from ratchet.metrics.betting import find_crossing
from ratchet.rollout.power import HALF, MOSTLY, NEARLY_ALWAYS, compared_needed, describe_power

POLICY, REVIEW = PromotionPolicy(), ReviewPolicy()

WORDS: dict[str, tuple[float, float | None, float | None, str, str]] = {
    "the usual team": (250, None, None, "in nine of ten rollouts or more within max_weeks = 2: about 312 labels on",
                       "(supposing that answers differ on 11.5 % of requests)."),
    "half of it": (100, None, None, "in more than half of the rollouts within max_weeks = 2: about 125 labels on",
                   "Nine of ten are decided with margin = 0.035 or max_weeks = 4 in [promotion]; or label more"),
    "a small team": (50, None, None, "in fewer than half of the rollouts", "with margin = 0.055 or max_weeks = 6 in"),
    "nobody": (0, None, None, "in fewer than half of the rollouts", "No margin up to 10 points and no eight weeks"),
    "few requests": (250, 1000, None, "in four of five rollouts or more", "max_weeks = 3 in [promotion]; or compare"),
    "answers that differ much": (250, 5000, 0.3, "in fewer than half of the rollouts", "half of the rollouts need 748"),
}  # fmt: skip


@pytest.mark.parametrize("case", WORDS)
def test_a_plan_says_what_the_labels_can_decide(case: str) -> None:
    """And which margin or weeks they can, where they cannot decide nine of ten."""
    labels, requests, differ, often, more = WORDS[case]
    said = describe_power(POLICY, REVIEW, labels, requests, differ)
    assert said.startswith(f"With {labels} labels a week a candidate that is 2 points better is promoted {often}")
    assert more in said


@pytest.mark.parametrize(("factor", "share"), [(HALF, 0.5), (MOSTLY, 0.8), (NEARLY_ALWAYS, 0.9)])
def test_the_words_agree_with_the_exact_walk(factor: float, share: float) -> None:
    """For a candidate 2 points better, exactly one of the two right on 10 % of requests."""
    found = find_crossing(0.04, 0.06, round(compared_needed(POLICY, 0.02, 0.1, factor)), POLICY.margin, POLICY.limit)
    assert found.by_compared[-1] == pytest.approx(share, abs=0.02)
