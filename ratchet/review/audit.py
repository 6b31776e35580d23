"""Rates at which answered requests enter the review queue: a random share that follows the labels of a week, and a
budget for those that are chosen by value, so that a flood of doubtful answers fills neither disk nor queue.

Add here a rate; the draw itself is `draw.py`.
"""

from ratchet.config.review import ReviewPolicy

VALUE_WEEKS = 4
"""Requests chosen by value in one week for one reason, in weeks of labels: the best of them are labelled."""


def audit_rate(policy: ReviewPolicy, last_week: int, this_week: int, *, compared: bool) -> float:
    """Return the probability, 0..1, with which a request is drawn at random.

    At the traffic of last week, or of this one so far where that is more, the expected number of draws in a week is the
    audit share of the labels that the team gives; the share is smaller while a candidate is `compared` with live.
    """
    share = policy.compared_audit_share if compared else policy.audit_share
    requests = max(last_week, this_week, 1)
    return min(1.0, share * policy.labels_per_week / requests)


def has_budget(policy: ReviewPolicy, queued: int, elapsed: float) -> bool:
    """Return True where one more request may be queued by value, after `queued` ones for its reason in this week.

    The budget grows with the `elapsed` part of the week (0..1), so that Monday does not use up Friday's; a week of
    labels is there at once.
    """
    labels = policy.labels_per_week
    return queued < labels + (VALUE_WEEKS - 1) * labels * min(1.0, max(0.0, elapsed))
