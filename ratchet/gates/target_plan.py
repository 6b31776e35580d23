"""Plan fit: the candidates that can run on every target, and so are worth training. A pure decision.

Add here rules about the candidates together; `target_fit.py` decides on one candidate and one target.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.core.verdict import Verdict, join_verdicts
from ratchet.gates.target_fit import judge_record

TRAINED = "trained"
"""Key of the evidence: numbers of the trained candidates in the specification, from 1. Titles may be equal."""


RECORDS = "records"
"""Key of the evidence: how many of its records each candidate has."""


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
    judged = [(candidate.title, verdicts) for candidate, verdicts in found]
    fitting = tuple(candidate for candidate, verdicts in found if all(verdict.passed for verdict in verdicts))
    return PlanFit(_decide(judged), fitting)


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something.

    Limits are compared with facts again; what a trial of one training step gave is believed.
    """
    left, found = [*evidence["fits"]], []
    for title, count in zip(evidence["candidates"], evidence[RECORDS], strict=True):
        found.append((title, [judge_record(record) for record in left[:count]]))
        left = left[count:]
    return _decide(found)


def _decide(found: Sequence[tuple[str, Sequence[Verdict]]]) -> Verdict:
    fitting = [all(verdict.passed for verdict in verdicts) for _, verdicts in found]
    missed = [one for one, fits in zip(found, fitting, strict=True) if not fits]
    evidence = {
        "candidates": [title for title, _ in found],
        "left_out": [title for title, _ in missed],
        TRAINED: [number for number, fits in enumerate(fitting, start=1) if fits],
        "fits": [verdict.evidence for _, verdicts in found for verdict in verdicts],
        RECORDS: [len(verdicts) for _, verdicts in found],
    }
    why = " ".join(verdict.reason for _, verdicts in missed for verdict in verdicts if not verdict.passed)
    if not any(fitting):
        return Verdict("failed", f"Fails: no candidate can run on every target. {why}", evidence)
    joined = join_verdicts([v for (_, verdicts), fits in zip(found, fitting, strict=True) if fits for v in verdicts])
    return Verdict(joined.outcome, f"{joined.reason}{f' Not trained: {why}' if missed else ''}", evidence)


def let_through(candidates: Sequence[Candidate], verdict: Verdict) -> tuple[Candidate, ...]:
    """Return the candidates that a verdict on the specification names as trained."""
    return tuple(
        candidate for number, candidate in enumerate(candidates, start=1) if number in verdict.evidence[TRAINED]
    )
