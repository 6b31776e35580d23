"""Power of a rollout before it is spent: what a team's labels can decide, in words. It refuses nothing.

Add here what `ratchet init` and `ratchet cycle --plan` say about a rollout that has not begun; the forecast of one that
runs is `forecast.py`.
"""

import math

from ratchet.config.policy import PromotionPolicy
from ratchet.config.review import ReviewPolicy
from ratchet.rollout.proof import write_points

GAIN = 0.02
"""Gain for which a plan is made: 2 points."""
DIFFER, ONE_RIGHT = 0.115, 0.1
"""Share of requests on which two adapters differ, and on which exactly one of them is right, where nobody measured."""
HALF, MOSTLY, NEARLY_ALWAYS = 2.2, 3.4, 4.1
"""Factors of the compared requests with which a rollout is decided in half, four fifths and nine tenths of the cases:
by the exact walk of `ratchet/metrics/betting.py` over margins of 1 to 5 points and shares of 5 to 20 %."""
_WORDS = {
    NEARLY_ALWAYS: "nine of ten rollouts or more",
    MOSTLY: "four of five rollouts or more",
    HALF: "more than half of the rollouts",
}
_LONGEST_WEEKS = 8
_WIDEST = 0.1


def compared_needed(policy: PromotionPolicy, gain: float, one_right: float, factor: float = HALF) -> float:
    """Return the compared requests that show a candidate with this gain to be not worse than the margin.

    `one_right` is the share of requests on which exactly one of the two adapters is right.
    """
    return factor * one_right * math.log(policy.limit) / (policy.margin + gain) ** 2


def evidence_labels(review: ReviewPolicy, labels_per_week: float) -> float:
    """Return the requests with answers that differ which a team labels in a week, while a candidate is compared."""
    return labels_per_week * (1 - review.compared_audit_share) / (review.evidence_votes + review.double_share)


def describe_power(
    policy: PromotionPolicy,
    review: ReviewPolicy,
    labels_per_week: float,
    requests_per_week: float | None = None,
    differ: float | None = None,
) -> str:
    """Return in how many rollouts a candidate that is 2 points better is promoted, and what would decide more of them.

    `labels_per_week` are votes; `differ` is the measured share of requests on which the answers differ.
    """
    share = differ or DIFFER
    one_right = share * ONE_RIGHT / DIFFER
    labelled = evidence_labels(review, labels_per_week) / share
    seen = math.inf if requests_per_week is None else requests_per_week * policy.shadow_share
    weekly = min(labelled, seen)
    compared = weekly * _weeks(policy)
    reached = (word for factor, word in _WORDS.items() if compared >= compared_needed(policy, GAIN, one_right, factor))
    often = next(reached, "fewer than half of the rollouts")
    needed = {factor: _labels(policy, share, one_right, factor) for factor in (HALF, NEARLY_ALWAYS)}
    who = f"With {labels_per_week:,.0f} labels a week a candidate that is {write_points(GAIN)} better"
    sentence = (
        f"{who} is promoted in {often} within max_weeks = {policy.max_weeks:g}: about {share * compared:,.0f} labels on"
        f" answers that differ, where half of the rollouts need {needed[HALF]:,} and nine of ten"
        f" {needed[NEARLY_ALWAYS]:,}, at margin = {policy.margin:g}"
    )
    basis = "" if differ else f" (supposing that answers differ on {100 * share:g} % of requests)"
    if often == _WORDS[NEARLY_ALWAYS]:
        return f"{sentence}{basis}."
    return f"{sentence}{basis}. {_advise(policy, one_right, weekly, 'label' if labelled <= seen else 'compare')}"


def _advise(policy: PromotionPolicy, one_right: float, weekly: float, scarce: str) -> str:
    """Return the margin and the weeks with which so many compared requests a week decide nine of ten rollouts."""
    compared, ways = weekly * _weeks(policy), []
    if compared > 0:
        wide = math.sqrt(NEARLY_ALWAYS * one_right * math.log(policy.limit) / compared) - GAIN
        wide = math.ceil(200 * wide) / 200
        long = math.ceil(compared_needed(policy, GAIN, one_right, NEARLY_ALWAYS) / weekly + policy.ripe_hours / 168)
        ways += [f"margin = {wide:g}"] if wide <= _WIDEST else []
        ways += [f"max_weeks = {long}"] if long <= _LONGEST_WEEKS else []
    if not ways:
        return f"No margin up to 10 points and no eight weeks decide nine of ten so: {scarce} more requests."
    return f"Nine of ten are decided with {' or '.join(ways)} in [promotion]; or {scarce} more requests."


def _weeks(policy: PromotionPolicy) -> float:
    """Return the weeks whose compared requests are old enough when the comparison ends."""
    return max(0.0, policy.max_weeks - policy.ripe_hours / 168)


def _labels(policy: PromotionPolicy, share: float, one_right: float, factor: float) -> int:
    return math.ceil(share * compared_needed(policy, GAIN, one_right, factor))
