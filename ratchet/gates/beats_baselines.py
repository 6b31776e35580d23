"""Gate `beats_baselines`: the candidate must beat the majority class and its own untuned base.

Add here how figures of baselines are judged; the baselines are fitted in `ratchet/evaluation/baselines.py`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratchet.core.verdict import Verdict

HARD = ("majority", "base_model")
SIMPLER = ("tfidf_logreg", "linear_probe")


def find_better_baseline(
    candidate: float, baselines: Mapping[str, Mapping[str, Any]], *, is_probe: bool = False
) -> tuple[str, float, float] | None:
    """Return the best simpler model whose test macro-F1 is above the candidate's, with both scores; None for none.

    The linear probe comes first where it is better at all, since it can be served.
    """
    scores = {name: float(baselines[name]["macro_f1"]) for name in reversed(SIMPLER) if name in baselines}
    if is_probe:
        scores.pop("linear_probe", None)
    return next(((name, score, candidate) for name, score in scores.items() if score > candidate), None)


def _compare_simpler(name: str, score: float, candidate: float) -> str:
    return f"{name} does {'better' if score > candidate else 'as well'}"


def decide_baselines(
    candidate: float, baselines: Mapping[str, Mapping[str, Any]], *, is_probe: bool = False
) -> Verdict:
    """Decide whether the candidate's test macro-F1 is above the majority class and its own untuned base.

    A score equal to or below TF-IDF or the linear probe does not block: the reason then says that the simpler model is
    enough; not of the linear probe, where the candidate is a probe itself (`is_probe`). Raises KeyError for a missing
    baseline and ValueError for a figure that is not finite: neither is a pass.
    """
    scores = {name: float(baselines[name]["macro_f1"]) for name in HARD + SIMPLER}
    if not np.isfinite([candidate, *scores.values()]).all():
        raise ValueError(f"macro-F1 of the candidate ({candidate}) or of a baseline ({scores}) is not finite")
    evidence = {"candidate": candidate, "is_probe": is_probe, **scores}
    beaten_by = [name for name in HARD if candidate <= scores[name]]
    against = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
    if beaten_by:
        return Verdict(
            "failed", f"Fails: test macro-F1 {candidate:.3f} is not above {', '.join(beaten_by)} ({against}).", evidence
        )
    as_good = [name for name in SIMPLER if candidate <= scores[name]]
    reason = f"Passes: test macro-F1 {candidate:.3f} {'against' if as_good else 'is above'} {against}."
    # A probe candidate is the linear probe itself, so there is nothing simpler to change to.
    if simpler := [name for name in as_good if not (is_probe and name == "linear_probe")]:
        enough = ", ".join(_compare_simpler(name, scores[name], candidate) for name in simpler)
        reason = f"{reason} The simpler model is enough: {enough}."
    return Verdict("passed", reason, evidence)


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    baselines = {name: {"macro_f1": evidence[name]} for name in HARD + SIMPLER}
    return decide_baselines(evidence["candidate"], baselines, is_probe=evidence["is_probe"])
