"""Power against statistical attacks: measured on draws of this cycle's items, beside what a formula computes.

Add here the power of another gate whose verdict on a copy depends on chance. Many draws from known truths are in
`benchmarks/gates/`; these few are of the cycle's own items.
"""

from collections.abc import Callable, Mapping, Sequence
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np

from ratchet.core.verdict import Verdict
from ratchet.evaluation.eval_report import golden_answers
from ratchet.evaluation.gate_audit.score_copies import Answers, common_label
from ratchet.evaluation.model_gates import pair_answers
from ratchet.gates.calibration_regression import CALIBRATION_ALPHA, decide_calibration
from ratchet.gates.golden_set_regression import decide_regression
from ratchet.gates.paired_rule import WORSE_ALPHA
from ratchet.gates.slices import SLICES_ALPHA, decide_slices
from ratchet.metrics.paired_difference import ALPHA_WITHIN, power_of_loss
from ratchet.workflows.gate_audit.case import AuditCase

DRAWS = 20
Power = Mapping[str, float | int]


def power_of_calibration(case: AuditCase, copy: Answers) -> Power:
    """Return the power of `calibration_regression` against a copy: by the normal distribution of the mean rise."""
    pairs, limit = pair_answers(copy, case.answers, case.spec), case.spec.limits.max_nll_rise
    rises = np.array([pair.nll_rise for pair in pairs])
    if len(rises) < 2 or not rises.std():
        return {}
    error = rises.std(ddof=1) / sqrt(len(rises))
    far = (rises.mean() - limit) / error - NormalDist().inv_cdf(1 - CALIBRATION_ALPHA)
    return _power(NormalDist().cdf(float(far)), pairs, lambda drawn: decide_calibration(drawn, limit))


def power_of_slices(case: AuditCase, copy: Answers) -> Power:
    """Return the power of `slices` against a loss in the most frequent label: exact, by the sign test's binomials."""
    pairs, margin = pair_answers(copy, case.answers, case.spec), case.spec.limits.max_golden_loss
    label = case.spec.labels[common_label(case.answers)]
    mine = [pair for pair in pairs if pair.label == label]
    if not mine:
        return {}
    lost, gained = (sum(getattr(pair, way) for pair in mine) / len(mine) for way in ("lost", "gained"))
    judged = len({pair.label for pair in pairs})
    computed = power_of_loss(len(mine), lost + gained, max(lost - gained, 0.0), SLICES_ALPHA / judged)
    return _power(computed, pairs, lambda drawn: decide_slices(drawn, case.spec.slices, margin))


def power_of_golden(case: AuditCase, copy: Answers) -> Power:
    """Return the power of `golden_set_regression` against a copy: by the normal distribution of the difference."""
    answers = golden_answers(copy, case.answers, case.spec.labels)
    n = len(answers)
    lost, gained = sum(each.lost for each in answers) / n, sum(each.gained for each in answers) / n
    spread = lost + gained - (lost - gained) ** 2
    if not spread:
        return {}
    # It fails where the upper end is below 0, unless the lower one is above the margin.
    error, loss, margin = sqrt(spread / n), lost - gained, case.spec.limits.max_golden_loss
    quantile = NormalDist().inv_cdf
    far = min(loss / error - quantile(1 - WORSE_ALPHA), (loss - margin) / error + quantile(1 - ALPHA_WITHIN))
    return _power(NormalDist().cdf(far), answers, lambda drawn: decide_regression(drawn, case.spec.limits))


POWERS: Mapping[str, Callable[[AuditCase, Answers], Power]] = {
    "worse_on_golden": power_of_golden,
    "unsure": power_of_calibration,
    "worse_slice": power_of_slices,
}
"""Attacks whose power is measured, by name."""


def _power(computed: float, items: Sequence[Any], decide: Callable[[list[Any]], Verdict]) -> Power:
    """Return the computed power beside the share of draws with replacement that are stopped."""
    draw = np.random.default_rng(0)
    drawn = ([items[place] for place in draw.integers(0, len(items), len(items))] for _ in range(DRAWS))
    stopped = sum(not decide(each).passed for each in drawn)
    return {"computed": round(computed, 4), "stopped": stopped, "draws": DRAWS}
