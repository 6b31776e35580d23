"""Gate `beats_baselines`: the candidate must beat the majority class and its own untuned base, and a first model must
be within a margin of the best simple one.

Add here how figures of baselines are judged; the baselines are fitted in `ratchet/evaluation/baselines.py`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratchet.core.verdict import Verdict
from ratchet.data.label_selection import LabelSelection, describe_selection
from ratchet.gates.first_model import judge_first

HARD = ("majority", "base_model")
SIMPLER = ("tfidf_logreg", "linear_probe")
BASELINES_RULE = 4
"""Revision of the rule, which its evidence names; the first let no tie pass, and knew nothing of the test's labels, the
second failed a candidate by labels of live's errors alone, the third asked no more of a first model."""
_SUPPORT_RULE, _SELECTION_RULE = 2, 3
_LEAST_OTHERS = 5
"""Test items of other labels than the most frequent one that a failure needs. A model that finds half of such items
finds none of five with a chance of 3 %; and one false answer outside a single label halves macro-F1."""
_TIE = 1e-9


def find_better_baseline(
    candidate: float,
    baselines: Mapping[str, Mapping[str, Any]],
    *,
    is_probe: bool = False,
    support: Mapping[str, int] | None = None,
    selection: str = "",
) -> tuple[str, float, float] | None:
    """Return the best simpler model whose test macro-F1 is above the candidate's, with both scores; None for none.

    The linear probe comes first where it is better at all, since it can be served. A test that cannot tell models apart
    (`support`, its items by label; `selection`, the report's sentence about labels of errors alone) finds none.
    """
    if selection:
        return None
    if support is not None and _count_others(support) < _LEAST_OTHERS:
        return None
    scores = {name: float(baselines[name]["macro_f1"]) for name in reversed(SIMPLER) if name in baselines}
    if is_probe:
        scores.pop("linear_probe", None)
    return next(((name, score, candidate) for name, score in scores.items() if score > candidate), None)


def decide_baselines(
    candidate: float,
    baselines: Mapping[str, Mapping[str, Any]],
    *,
    is_probe: bool = False,
    support: Mapping[str, int] | None = None,
    selection: LabelSelection | None = None,
    first: Mapping[str, Any] | None = None,
    rule: int = BASELINES_RULE,
) -> Verdict:
    """Decide whether the candidate's test macro-F1 is above the majority class and its own untuned base.

    `support` counts the test's items by label, `selection` those whose label confirms what was served; None where it is
    not known, as in receipts of an earlier version, whose `rule` is 1 or 2. `first` holds what `pair_first` gives of a
    first model: with no live adapter to compare with, it must be within the margin of the best simple baseline, fails
    where it is shown to be worse, and has no verdict between. Raises KeyError for a missing baseline and
    ValueError for a figure that is not finite: neither is a pass.

    A tie with the majority class or the base fails, for a tuned model that does no better than either is of no use; not
    at 1.000, above which nothing is. A failure needs a test with enough items outside its most frequent label: where
    there are none or few, the constant answer is right and macro-F1 cannot tell, so it gives no verdict. Nor does a
    test of live's errors alone, on which a candidate like live is wrong, too, and a simpler model less often. A score
    equal to or below TF-IDF or the linear probe does not block: the reason then says that the simpler model is enough;
    not of the linear probe, where the candidate is a probe itself.
    """
    scores = {name: float(baselines[name]["macro_f1"]) for name in HARD + SIMPLER}
    if not np.isfinite([candidate, *scores.values()]).all():
        raise ValueError(f"macro-F1 of the candidate ({candidate}) or of a baseline ({scores}) is not finite")
    evidence: dict[str, Any] = {"candidate": candidate, "is_probe": is_probe, **scores}
    if rule >= _SUPPORT_RULE:
        evidence |= {"rule": rule, "support": None if support is None else dict(support)}
    if rule >= _SELECTION_RULE:
        evidence["selection"] = selection and {"blind": selection.blind, "confirming": selection.confirming}
    if rule >= BASELINES_RULE:
        evidence["first"] = first and dict(first)
    return _judge(evidence, rule)


def decide_from_evidence(evidence: Mapping[str, Any]) -> Verdict:
    """Verdict that follows from the evidence of a receipt; KeyError where it lacks something."""
    return _judge(evidence, evidence["rule"])


def _judge(evidence: Mapping[str, Any], rule: int) -> Verdict:
    found, candidate, is_first = dict(evidence), float(evidence["candidate"]), rule < _SUPPORT_RULE
    support, is_probe = None if is_first else evidence["support"], evidence["is_probe"]
    selection = evidence["selection"] if rule >= _SELECTION_RULE else None
    first = evidence["first"] if rule >= BASELINES_RULE else None
    of_errors = bool(selection and LabelSelection(**selection).is_of_errors)
    scores = {name: float(evidence[name]) for name in HARD + SIMPLER}
    against = ", ".join(f"{name} {score:.3f}" for name, score in scores.items())
    perfect = candidate >= 1 - _TIE and not is_first
    beaten_by = [name for name in HARD if candidate <= scores[name] + (0 if is_first else _TIE)]
    if beaten_by and not is_first and (few := _describe_few(support, scores)):
        return Verdict(
            "inconclusive",
            f"No verdict: {few}, so macro-F1 cannot tell the candidate ({candidate:.3f}) from a constant answer"
            f" ({against}). The golden set judges it.",
            found,
        )
    if beaten_by and not perfect and selection and of_errors:
        finding = describe_selection(selection["blind"], selection["confirming"], " of the test split")
        return Verdict(
            "inconclusive",
            f"No verdict: {finding}. On errors alone macro-F1 {candidate:.3f} says nothing ({against}). The golden set"
            " judges it.",
            found,
        )
    if beaten_by and not perfect:
        return Verdict(
            "failed", f"Fails: test macro-F1 {candidate:.3f} is not above {', '.join(beaten_by)} ({against}).", found
        )
    # A probe candidate is the linear probe itself; errors of what served before speak for any other model.
    rivals = [name for name in SIMPLER if not (is_probe and name == "linear_probe")]
    shown, compared = judge_first(first, rivals) if first and not of_errors else ("within", "")
    if shown == "worse":
        return Verdict("failed", f"Fails: {compared} Put the simpler one to use, or train on more labels.", found)
    as_good = [name for name in SIMPLER if candidate <= scores[name]]
    passes = "Passes" if shown == "within" else "No verdict"
    reason = f"{passes}: test macro-F1 {candidate:.3f} {'against' if as_good or beaten_by else 'is above'} {against}."
    if beaten_by:
        reason = f"{reason} Nothing can be above 1.000, which {', '.join(beaten_by)} reaches too."
    if simpler := [name for name in as_good if name in rivals]:
        enough = ", ".join(_compare_simpler(name, scores[name], candidate) for name in simpler)
        reason = f"{reason} The simpler model is enough: {enough}."
    if compared:
        reason = f"{reason} {compared}"
    return Verdict("passed" if shown == "within" else "inconclusive", reason, found)


def _compare_simpler(name: str, score: float, candidate: float) -> str:
    return f"{name} does {'better' if score > candidate else 'as well'}"


def _count_others(support: Mapping[str, int]) -> int:
    return sum(support.values()) - max(support.values(), default=0)


def _describe_few(support: Mapping[str, int] | None, scores: Mapping[str, float]) -> str:
    """Return why a test cannot tell models apart, '' where it can."""
    if support is None:  # the constant answer is right everywhere only where one label occurs
        return "the test split has one label only" if scores["majority"] >= 1 - _TIE else ""
    others, n = _count_others(support), sum(support.values())
    if others >= _LEAST_OTHERS:
        return ""
    frequent = max(support, key=lambda label: support[label], default="")
    if others == 0:
        return f"all {n} items of the test split are {frequent}"
    return f"only {others} of {n} items of the test split have another label than {frequent}"
