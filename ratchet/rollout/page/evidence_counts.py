"""Counts behind the figures: the compared requests, who was right on them, and what the evidence is worth.

Add a count of the page here. It is counted in `ratchet/rollout/evidence/stream_sql.py`; the tiles are
`guardrail_tiles.py`.
"""

from dataclasses import dataclass

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.evidence.absolute_accuracy import estimate_accuracy
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.proof import prove, write_points

_MOST_SHOWN = 1e6


@dataclass(frozen=True)
class Count:
    """One figure of the evidence, and how many are needed; empty where no number is needed."""

    name: str
    counted: str
    least: str = ""


def count_evidence(
    policy: PromotionPolicy, whole: Evidence, step: Evidence, first: str, second: str
) -> tuple[Count, ...]:
    """Return the counts of the evidence stream; `first` and `second` name live and the candidate."""
    proof, points = prove(policy, whole, step), write_points(policy.margin)
    worse = max(proof.worse, proof.worse_since)
    return (
        Count(f"Evidence that it is not worse than {points}", _write(proof.not_worse), _write(proof.limit)),
        Count(f"Evidence that it is more than {points} worse", _write(worse), _write(proof.limit_back)),
        Count("Compared requests that count", f"{whole.compared:,}"),
        Count(f"Only {first} correct", f"{whole.losses:,}"),
        Count(f"Only {second} correct", f"{whole.wins:,}"),
        Count("Both wrong, by different answers", f"{whole.neither:,}"),
        Count("Wait for a label", f"{whole.waiting:,}"),
        *([Count("Of them: nobody can tell", f"{whole.cannot_tell:,}")] if whole.cannot_tell else []),
        *([Count("Of them: dropped under load", f"{whole.dropped:,}")] if whole.dropped else []),
        Count("Too young to count", f"{whole.unripe:,}"),
        *([Count("Left out: the user had asked that day", f"{n:,}")] if (n := whole.repeated_users) else []),
        *([Count("Left out: near-duplicates", f"{n:,}")] if (n := whole.repeated_texts) else []),
        *_count_accuracy(whole, first, second),
        Count("Requests that both answered", f"{whole.requests:,}", f"{policy.min_requests:,}"),
        Count("The same since the last move", f"{step.requests:,}", f"{policy.min_step_requests:,}"),
        Count(f"Answered by {second} since the last move", f"{step.answered:,}"),
    )


def _count_accuracy(whole: Evidence, first: str, second: str) -> list[Count]:
    found = estimate_accuracy(whole)
    if found is None:
        return []
    sides, width = ((first, found.live), (second, found.candidate)), f"{100 * found.half_width:.1f}"
    return [Count(f"Right answers of {name}, estimated", f"{100 * share:.1f} % ± {width}") for name, share in sides]


def _write(evidence: float) -> str:
    if evidence >= _MOST_SHOWN:
        return "1,000,000+"
    return f"{evidence:,.0f}" if evidence >= 10 else f"{evidence:.1f}"
