"""Forecast of a decision: how long a rollout waits for the requests and labels that it lacks, at the measured pace.

Add here another thing that a rollout waits for and time brings; the rules themselves are in `decision.py`.
"""

import math
from dataclasses import dataclass, replace
from datetime import timedelta

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.intervals import paired_difference_interval
from ratchet.rollout.evidence import Evidence

LONGEST_DAYS = 56.0
"""Days after which no attempt goes on for want of evidence: its candidate is older than eight others by then."""
_MOST_LABELS = 1_000_000


@dataclass(frozen=True)
class Obstacle:
    """Obstacle to the next step. `days` are those until time has removed it, at the measured pace; None: it does not,
    or nobody can tell. An empty sentence is that of the interval."""

    sentence: str
    days: float | None = None
    pace: str = ""
    """The pace in words, where it is known."""
    is_count: bool = False
    """True for a count that is too small."""

    def describe(self) -> str:
        """Return the obstacle with its pace, in words; empty for an interval whose narrowing cannot be foreseen."""
        return ", ".join(filter(None, (self.sentence, self.pace)))

    def comes_in_time(self, since: timedelta) -> bool:
        """Return True where the decision comes late, yet within the longest time that an attempt may take."""
        return self.days is not None and since / timedelta(days=1) + self.days <= LONGEST_DAYS


def find_lack(
    state_percent: int, policy: PromotionPolicy, whole: Evidence, step: Evidence, since: timedelta
) -> Obstacle | None:
    """Return the first count that is too small, with the time until it is not; None where all suffice.

    Requests come at the pace of the newest step (`since` it began), labels at that of the last four weeks.
    """
    days = max(since / timedelta(days=1), 1 / 24)
    requests = step.requests / days if step.requests or days >= 1 else None
    labels = None if whole.daily_labels is None else whole.daily_labels * policy.shadow_share
    for counted, least, what, daily in (
        (whole.requests, policy.min_requests, "compared requests", requests),
        (whole.labelled, policy.min_labels, "labelled requests", labels),
        (step.requests, policy.min_step_requests, "compared requests since the last move", requests),
        (
            step.answered if state_percent else 1, 1, "requests answered by the candidate",
            None if requests is None else requests * state_percent / 100,
        ),
    ):  # fmt: skip
        if counted < least:
            return replace(wait_for(least - counted, f"{counted} of {least} {what}", daily), is_count=True)
    return None


def wait_for(lacking: float, sentence: str, daily: float | None) -> Obstacle:
    """Return the obstacle of `lacking` things that come `daily`; None where their pace is not known."""
    if daily is None:
        return Obstacle(sentence)
    if daily <= 0:
        return Obstacle(sentence, pace="none comes, so no decision can be foreseen")
    return Obstacle(sentence, lacking / daily, f"about {_in_words(lacking / daily)} more at {_per_day(daily)}")


def find_narrowing(policy: PromotionPolicy, whole: Evidence) -> Obstacle:
    """Return the obstacle of an interval that reaches below the margin: the labels that narrow it enough, if any do."""
    needed = labels_needed(policy, whole)
    if needed is None or whole.daily_labels is None:
        return Obstacle("")
    daily = whole.daily_labels * policy.shadow_share
    return wait_for(needed - whole.labelled, f"the interval needs about {needed} labelled requests", daily)


def labels_needed(policy: PromotionPolicy, whole: Evidence) -> int | None:
    """Return the number of labels at which the interval would clear the margin, were the shares those of now.

    None where no number does: the candidate looks worse than the margin allows.
    """
    n = whole.labelled
    if n == 0 or (whole.only_challenger - whole.only_incumbent) / n <= -policy.margin:
        return None

    def clears(times: float) -> bool:
        # not rounded: whole counts would let a larger sample clear the margin less than a smaller one
        lost, won = whole.only_incumbent * times, whole.only_challenger * times
        return paired_difference_interval(lost, won, n * times)[0] >= -policy.margin

    times = 1.0
    while not clears(times):
        times *= 1.25
        if n * times > _MOST_LABELS:
            return None
    return math.ceil(n * times)


def describe_pace(policy: PromotionPolicy, daily_labels: float) -> str:
    """Return how long the labels of a decision take at this pace, in one sentence for a plan."""
    if daily_labels <= 0:
        return f"No blind label came in four weeks; a rollout's decision needs {policy.min_labels} labelled requests."
    days = policy.min_labels / (daily_labels * policy.shadow_share) if policy.shadow_share else float("inf")
    late = days > LONGEST_DAYS
    more = f", longer than the {LONGEST_DAYS:.0f} days of an attempt: label more, or lower promotion.min_labels"
    return (
        f"A rollout's decision takes about {_in_words(days)}: {policy.min_labels} labelled requests at"
        f" {_per_day(daily_labels)}{more if late else ''}."
    )


def _per_day(daily: float) -> str:
    return f"{daily:,.0f} a day" if daily >= 10 else f"{daily:.2g} a day"


def _in_words(days: float) -> str:
    for size, unit in ((7.0, "week"), (1.0, "day")):
        if days >= 2 * size:
            return f"{days / size:.0f} {unit}s"
    hours = max(1, round(days * 24))
    return f"{hours} hour{'s' if hours > 1 else ''}"
