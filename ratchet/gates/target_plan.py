"""Plan fit: which candidates are worth training, for they can run where they must. A pure decision.

Add here rules about the candidates together; whether one fits one target is `target_fit.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.config.candidate import Candidate
from ratchet.core.verdict import Verdict, join_verdicts

TRAINED = "trained"
"""In the evidence: which candidates are trained, by their place in the specification, from 1. Two may have one title.
"""


@dataclass(frozen=True)
class PlanFit:
    """The verdict on a plan, and the candidates that are to be trained."""

    verdict: Verdict
    candidates: tuple[Candidate, ...]


def decide_plan_fit(found: Sequence[tuple[Candidate, Sequence[Verdict]]]) -> PlanFit:
    """Fails when no candidate fits every target. One that does not, beside others that do, is left out and named.

    It is no pass, but does not block either, where one of those that fit could not be tried.
    `found` holds each candidate's verdicts, of every target and of every trial.
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
        return PlanFit(Verdict("failed", f"Fails: no candidate can run where it must. {why}", evidence), ())
    joined = join_verdicts([verdict for candidate, verdicts in found for verdict in verdicts if candidate in fitting])
    left = f" Not trained: {why}" if missed else ""
    return PlanFit(Verdict(joined.outcome, f"{joined.reason}{left}", evidence), fitting)


def let_through(candidates: Sequence[Candidate], verdict: Verdict) -> tuple[Candidate, ...]:
    """Those of a specification's candidates that a verdict on it names as trained."""
    return tuple(
        candidate for number, candidate in enumerate(candidates, start=1) if number in verdict.evidence[TRAINED]
    )
