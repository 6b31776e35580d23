"""Doubts about the evidence itself: signs that the compared or labelled requests do not speak for all of them.

Add another sign here; each holds the first step, and none is asked about again once that was taken.
"""

from ratchet.config.policy import PromotionPolicy
from ratchet.data.label_selection import describe_selection
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.forecast import Obstacle
from ratchet.rollout.proof import Proof, write_points

SELECTED_P = 0.01
"""Chance below which labelled requests are not like the others."""


def find_doubt(policy: PromotionPolicy, whole: Evidence, proof: Proof, *, entering: bool) -> Obstacle | None:
    """Return the first sign that the evidence may not count, None where there is none; `entering` before the first
    step, where a copy of live stays out."""
    if whole.one_sided and not whole.drawn and not proof.shows_not_worse:
        return Obstacle(describe_selection(whole.one_sided, whole.confirming))
    if not whole.drawn and (unlike := describe_unlike(whole)):
        return Obstacle(unlike)
    # requests that are too young, or of answers with other names for one label, still show that the two differ
    differs = whole.digests != 1 and (whole.stream_disagreements or whole.unripe or whole.renamed)
    if entering and whole.compared and not differs:
        return Obstacle(f"the two answer alike on all of {whole.compared:,} compared requests: a copy is not promoted")
    if entering and whole.relabelled:
        return Obstacle(
            f"{whole.relabelled:,} compared requests were answered with labels that the list no longer has, and no rule"
            " says what they mean now ('ratchet labels')"
        )
    return _find_one_person(policy, whole) if proof.shows_not_worse else None


def describe_unlike(whole: Evidence) -> str:
    """Return how labelled requests differ from all compared ones; empty where they do not, or nobody counted.

    Where the compared requests were drawn by us this is a remark: the draw is known to be fair.
    """
    if whole.selection_p is None or whole.selection_p >= SELECTED_P or whole.labelled_share_of_differences is None:
        return ""
    # not of the stream: where we drew nothing, it holds the labelled requests alone
    labelled, every = whole.labelled_share_of_differences, whole.disagreements / max(1, whole.requests)
    return (
        f"labelled requests are not like the others (answers differ on {100 * labelled:.3g} %, of all on"
        f" {100 * every:.3g} %)"
    )


def _find_one_person(policy: PromotionPolicy, whole: Evidence) -> Obstacle | None:
    """Return the person without whose votes the estimate is below the margin."""
    for person, (lost, won) in sorted(whole.by_person.items()):
        rest = (whole.wins - won - whole.losses + lost) / whole.compared
        if rest < -policy.margin:
            looks = f"without the votes of {person} it looks {100 * rest:+.1f} points"
            return Obstacle(f"{looks}, worse than the margin of {write_points(policy.margin)}")
    return None
