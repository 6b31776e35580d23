"""Plan fit: the candidates that can run on every target, and so are worth training. A pure decision.

Add here rules about the candidates together; `target_fit.py` decides on one candidate and one target.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.config.candidate import Candidate
from ratchet.core.verdict import Verdict, join_verdicts

TRAINED = "trained"
"""Key of the evidence: numbers of the trained candidates in the specification, from 1. Titles may be equal."""


@dataclass(frozen=True)
class PlanFit:
    """Verdict on a plan, and the candidates to train."""

    verdict: Verdict
    candidates: tuple[Candidate, ...]


def decide_plan_fit(found: Sequence[tuple[Candidate, Sequence[Verdict]]]) -> PlanFit:
    """Decide which candidates are trained: those that fit every target. Failed when there are none.

    `found` holds each candidate's verdicts, of every target and of every trial. A candidate that does not fit, beside
    others that do, is left out and named. When a fitting one could not be tried, the verdict is inconclusive: it does
    not block, but is not a pass either.
    """
    fitting = tuple(candidate for candidate, verdicts in found if all(verdict.passed for verdict in verdicts))
    missed = [
        (candidate, [v.reason for v in verdicts if not v.passed])
        for candidate, verdicts in found
        if candidate not in fitting
    ]
    evidence = {
        "candidates": [candidate.title for candidate, _ in found],
        "left_out": [candidate.title for candidate, _ in missed],
        TRAINED: [number for number, (candidate, _) in enumerate(found, start=1) if candidate in fitting],
        "fits": [verdict.evidence for _, verdicts in found for verdict in verdicts],
    }
    why = " ".join(reason for _, reasons in missed for reason in reasons)
    if not fitting:
        return PlanFit(Verdict("failed", f"Fails: no candidate can run on every target. {why}", evidence), ())
    joined = join_verdicts([verdict for candidate, verdicts in found for verdict in verdicts if candidate in fitting])
    left = f" Not trained: {why}" if missed else ""
    return PlanFit(Verdict(joined.outcome, f"{joined.reason}{left}", evidence), fitting)


def let_through(candidates: Sequence[Candidate], verdict: Verdict) -> tuple[Candidate, ...]:
    """Return the candidates that a verdict on the specification names as trained."""
    return tuple(
        candidate for number, candidate in enumerate(candidates, start=1) if number in verdict.evidence[TRAINED]
    )
