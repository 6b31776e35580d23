"""Events that alerts are about, each with its meaning: the words of `[alerts]`, of messages and of the runbooks.

Add an event here, with its section in the page of runbooks; when it is due is found in `ratchet/workflows/alerts/`.
"""

EVENTS = {
    "blocked": "a check blocked a week",
    "failed": "a cycle ended with an error",
    "promoted": "an adapter became live",
    "step": "a rollout started or moved up a step",
    "rolled_back": "a candidate or a live adapter was rolled back, or all traffic was sent to live",
    "expired": "a rollout ended without a decision, or was rejected",
    "held": "a rollout is held for a day",
    "reviews_waiting": "more requests wait for review than should",
    "nothing_logged": "no request was logged for a day",
    "live_old": "the live adapter is older than it should be",
    "budget_spent": "the chance of a wrong promotion that a year allows is spent",
}
"""Event to meaning."""
URGENT = ("failed", "rolled_back")
"""Events that are sent in quiet hours unless settings say otherwise."""
