"""Forecast of a decision: how many labels and how much time it needs, at the measured pace, and what a team can decide.

Add here another thing that a rollout waits for and time brings; the rules themselves are in `decision.py`, what a plan
prints before anything is spent is `power.py`.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from ratchet.config.policy import PromotionPolicy
from ratchet.metrics.betting import log_not_worse
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.power import DIFFER, GAIN, ONE_RIGHT, compared_needed
from ratchet.rollout.proof import Proof

_FEW = 10
_MOST_TIMES = 1e4


@dataclass(frozen=True)
class Obstacle:
    """Obstacle to the next step, and the pace in words at which time removes it, where it is known."""

    sentence: str
    pace: str = ""

    def describe(self) -> str:
        """Return the obstacle with its pace, in words."""
        return ", ".join(filter(None, (self.sentence, self.pace)))


def find_lack(
    policy: PromotionPolicy, whole: Evidence, step: Evidence, since: timedelta, *, percent: int, entering: bool
) -> Obstacle | None:
    """Return the first count of requests that is too small for a verdict on errors and latency; None where all suffice.

    `since` is the time since the newest move, at whose pace requests come; `entering` before the first step.
    """
    days = max(since / timedelta(days=1), 1 / 24)
    daily = step.requests / days if step.requests or days >= 1 else None
    answered = None if daily is None else daily * percent / 100
    for counted, least, what, pace in (
        (whole.requests, policy.min_requests if entering else 0, "compared requests", daily),
        (step.requests, policy.min_step_requests, "compared requests since the last move", daily),
        (step.answered, 1 if percent else 0, "requests answered by the candidate", answered),
    ):
        if counted < least:
            return wait_for(least - counted, f"{counted:,} of {least:,} {what}", pace)
    return None


def wait_for(lacking: float, sentence: str, daily: float | None) -> Obstacle:
    """Return the obstacle of `lacking` things that come `daily`; None where their pace is not known."""
    if daily is None or lacking <= 0:
        return Obstacle(sentence)
    if daily <= 0:
        return Obstacle(sentence, "none comes, so no decision can be foreseen")
    return Obstacle(sentence, f"about {in_words(lacking / daily)} more at {per_day(daily)}")


def find_labels(policy: PromotionPolicy, whole: Evidence, proof: Proof, since: timedelta) -> Obstacle:
    """Return the obstacle of evidence below its limit: the labels that it needs, or why no labels bring it."""
    if not whole.compared:
        young = f"{whole.unripe:,} disagreements are younger than {policy.ripe_hours:g} h"
        return Obstacle(young if whole.unripe else "no request is compared and old enough yet")
    needed = labels_needed(policy, whole)
    counted = f"{proof.labelled:,} of about {needed:,} labels" if needed else f"{proof.labelled:,} labels"
    if needed is None:
        return Obstacle(f"{counted}, and at these shares no number of them shows enough")
    if too_slow := find_slow_pace(policy, whole, since):
        return Obstacle(counted, too_slow)
    return wait_for(needed - proof.labelled, counted, whole.pace_labels_per_day)


def labels_needed(policy: PromotionPolicy, whole: Evidence) -> int | None:
    """Return the number of labels on disagreements at which "not worse" is shown, were the shares those of now.

    None where no number does: the candidate looks worse than the margin allows. With few labels it is the number for
    a candidate that is 2 points better.
    """
    labelled = whole.losses + whole.wins + whole.neither
    differ, n = labelled + whole.waiting, whole.compared
    if n == 0 or differ == 0:
        return None
    if labelled < _FEW:
        share = differ / n
        return math.ceil(share * compared_needed(policy, GAIN, share * ONE_RIGHT / DIFFER))
    times = _times_until_shown(policy, whole.losses / labelled * differ, whole.wins / labelled * differ, n)
    return None if times is None else math.ceil(differ * times)


def find_slow_pace(policy: PromotionPolicy, whole: Evidence, since: timedelta) -> str:
    """Return why the pace of labels makes a promotion impossible within `max_weeks`; empty where it does not.

    The disagreements that nobody labels count as losses. The shares are those of now, and all is compared that still
    can be.
    """
    labelled = whole.losses + whole.wins + whole.neither
    differ, pace = labelled + whole.waiting, whole.pace_labels_per_day
    ripe = (since - timedelta(hours=policy.ripe_hours)) / timedelta(days=1)
    if pace is None or labelled < _FEW or ripe < 1:
        return ""
    most = max(1.0, (7 * policy.max_weeks - policy.ripe_hours / 24) / ripe)
    daily = differ / ripe
    lost, won = whole.losses / labelled * differ, whole.wins / labelled * differ
    unlabelled = max(0.0, 1 - pace / daily)
    full = log_not_worse(lost * most, won * most, whole.compared * most, policy.margin)
    as_it_is = log_not_worse(
        (lost + (differ - lost) * unlabelled) * most,
        won * (1 - unlabelled) * most,
        whole.compared * most,
        policy.margin,
    )
    if float(as_it_is) >= math.log(policy.limit) or float(full) < math.log(policy.limit):
        return ""
    return (
        f"and at {per_day(pace)} for {per_day(daily)} that differ no promotion is possible within"
        f" {policy.max_weeks:g} weeks: unlabelled ones count as losses"
    )


def _times_until_shown(policy: PromotionPolicy, losses: float, wins: float, compared: float) -> float | None:
    """Return by how much the counts must grow until "not worse" is shown, 1 where it is; None where they never do."""

    def shows(times: float) -> bool:
        found = log_not_worse(losses * times, wins * times, compared * times, policy.margin)
        return bool(found >= math.log(policy.limit))

    if shows(1.0):
        return 1.0
    low = high = 1.0
    while not shows(high):
        low, high = high, high * 2
        if high > _MOST_TIMES:
            return None
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (low, middle) if shows(middle) else (middle, high)
    return high


def per_day(daily: float) -> str:
    """Return a number a day in words."""
    return f"{daily:,.0f} a day" if daily >= 10 else f"{daily:.2g} a day"


def in_words(days: float) -> str:
    """Return a number of days in words."""
    for size, unit in ((7.0, "week"), (1.0, "day")):
        if days >= 2 * size:
            return f"{days / size:.0f} {unit}s"
    hours = max(1, round(days * 24))
    return f"{hours} hour{'s' if hours > 1 else ''}"
