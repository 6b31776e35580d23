"""Parity: whether an export answers as well as the adapter it was made from.

Add here a figure by which two sets of answers are compared; `ratchet/storage/registry/exports.py` collects the answers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ratchet.config.policy import ExportPolicy
from ratchet.core.errors import RatchetError
from ratchet.core.verdict import Verdict
from ratchet.metrics.classification import Floats, Integers, expected_calibration_error, macro_f1
from ratchet.metrics.paired_difference import ALPHA_WITHIN, PairedCounts

AnswerPair = tuple[Floats, Floats]
"""Logits and calibrated probabilities, [n, k] each."""
GOLDEN, HELD_OUT = "golden", "calibration"
PARITY_ALPHA = 0.005
"""One-sided error of "worse", for accuracy and for confidence each."""
_Z, _FLOOR = 2.576, 1e-12
_NAMES = {GOLDEN: "the golden set", HELD_OUT: "the calibration split"}


@dataclass(frozen=True)
class Parity:
    """Differences between the answers of an export and of its adapter on the same labelled texts."""

    items: int
    changed: int
    """Number of texts that get another label."""
    accuracy: float
    accuracy_loss: float
    macro_f1_loss: float
    ece_rise: float
    max_logit_distance: float
    """Largest difference of a logit after each row's mean is subtracted, which the softmax ignores."""
    losses: int | None = None
    """Texts that only the adapter gets right; None in records of an earlier version, which are judged by its rule."""
    gains: int | None = None
    """Texts that only the export gets right."""
    nll_rise: float = 0.0
    """Mean rise of the negative log-likelihood, in nats."""
    nll_error: float = 0.0
    """Standard error of that mean."""

    def as_json(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


def compare_answers(ours: AnswerPair, theirs: AnswerPair, truth: Sequence[int] | Integers) -> Parity:
    """Compare `(logits, calibrated probabilities)`, [n, k] each, of adapter and export against the labels `truth` [n].

    Raises `RatchetError` where a logit of the export is not finite.
    """
    if not np.isfinite(theirs[0]).all():
        raise RatchetError("the export answers with NaN or infinity.", "Use another kind of export.", code="bad_export")
    labels = np.asarray(truth, dtype=np.int64)
    n, k = ours[0].shape
    if n == 0:
        return Parity(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    predicted = [probabilities.argmax(axis=1) for _, probabilities in (ours, theirs)]
    # integers, so that three of a thousand are exactly 0.003 and pass a limit of 0.003
    right = [int((indices == labels).sum()) for indices in predicted]
    centred = [logits - logits.mean(axis=1, keepdims=True) for logits, _ in (ours, theirs)]
    errors = [expected_calibration_error(probabilities, labels) for _, probabilities in (ours, theirs)]
    scores = [macro_f1(indices, labels, k) for indices in predicted]
    ours_right, theirs_right = (indices == labels for indices in predicted)
    chosen = [np.maximum(p[np.arange(n), labels], _FLOOR) for _, p in (ours, theirs)]
    rises = np.log(chosen[0]) - np.log(chosen[1])
    return Parity(
        items=n,
        changed=int((predicted[0] != predicted[1]).sum()),
        accuracy=right[1] / n,
        accuracy_loss=(right[0] - right[1]) / n,
        macro_f1_loss=scores[0] - scores[1],
        ece_rise=errors[1] - errors[0],
        max_logit_distance=float(np.abs(centred[0] - centred[1]).max()),
        losses=int((ours_right & ~theirs_right).sum()),
        gains=int((theirs_right & ~ours_right).sum()),
        nll_rise=float(rises.mean()),
        nll_error=float(rises.std(ddof=1) / np.sqrt(n)) if n > 1 else 0.0,
    )


def split_by_label(
    given: Mapping[str, Sequence[tuple[str, str]]], labels: Sequence[str]
) -> tuple[dict[str, list[tuple[str, str]]], dict[str, int]]:
    """Texts of each set with one of `labels`, and the number with each other label, which neither side can give."""
    known = {name: [example for example in examples if example[1] in labels] for name, examples in given.items()}
    strange = Counter(label for examples in given.values() for _, label in examples if label not in labels)
    return known, dict(sorted(strange.items()))


def compare_sets(
    given: Mapping[str, tuple[AnswerPair, AnswerPair, Sequence[int]]], strange: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Figures on all texts together, and under `parts` those of each set, as JSON types: input of `judge_evidence`.

    `given` holds the adapter's answers, the export's and the true labels, by name of the set; empty sets are left out.
    `strange` counts, by label, the texts that were left out; they are only reported, under `left_out`.
    """
    # one empty set is kept, so that a comparison without any text has figures too
    sets = {name: answers for name, answers in given.items() if len(answers[2])} or dict(list(given.items())[:1])
    ours, theirs = (
        [np.concatenate([answers[side][part] for answers in sets.values()]) for part in (0, 1)] for side in (0, 1)
    )
    whole = compare_answers(
        (ours[0], ours[1]), (theirs[0], theirs[1]), [label for answers in sets.values() for label in answers[2]]
    )
    parts = {name: compare_answers(*answers).as_json() for name, answers in sets.items()} if len(sets) > 1 else {}
    return {
        **whole.as_json(),
        **({"parts": parts} if parts else {}),
        **({"left_out": dict(strange)} if strange else {}),
    }


def judge_evidence(evidence: Mapping[str, Any], policy: ExportPolicy) -> Verdict:
    """Verdict on the output of `compare_sets`, by all texts together.

    Raises `KeyError` or `TypeError` for evidence of another form.
    """
    verdict = decide_parity(
        Parity(**{key: value for key, value in evidence.items() if key not in ("parts", "left_out")}), policy
    )
    parts = "; ".join(
        f"on {_NAMES[name]} {part['changed']} of {part['items']} change, accuracy {-part['accuracy_loss'] * 100:+.2f}"
        f" points, ECE {part['ece_rise']:+.4f}"
        for name, part in evidence.get("parts", {}).items()
    )
    strange = ", ".join(f"{count} of {label!r}" for label, count in evidence.get("left_out", {}).items())
    reason = f"{verdict.reason} Of these, {parts}." if parts else verdict.reason
    reason += f" Left out because the adapter has no such label: {strange}." if strange else ""
    return Verdict(verdict.outcome, reason, dict(evidence))


def decide_parity(found: Parity, policy: ExportPolicy) -> Verdict:
    """Fails where the export is shown to be worse than its adapter, or there are too few labelled texts.

    Accuracy is shown to be worse where the exact one-sided test of losses against gains rejects, unless the difference
    is shown to be within the limit; ECE where it rises beyond its limit and the negative log-likelihood is shown to
    rise. A figure beyond its limit that chance explains gives no verdict: the interval is in the reason, since a limit
    of 0.3 points cannot be shown on fewer than 900 texts.
    """
    figures = (
        f"{found.changed} of {found.items} answers change, accuracy {-found.accuracy_loss * 100:+.2f} points "
        f"(limit {-policy.max_accuracy_loss * 100:+.2f}), macro-F1 {-found.macro_f1_loss * 100:+.2f} points, "
        f"ECE {found.ece_rise:+.4f} (limit {policy.max_ece_rise:+.4f})"
    )
    if found.items < policy.min_items:
        reason = f"Fails: {found.items} labelled texts are too few to compare on; {policy.min_items} are needed."
        return Verdict("failed", reason, found.as_json())
    beyond = found.accuracy_loss > policy.max_accuracy_loss or found.ece_rise > policy.max_ece_rise
    if found.losses is None or found.gains is None:  # of a version that called whatever lay beyond a limit worse
        if beyond:
            return Verdict("failed", f"Fails: {figures}.", found.as_json())
        return Verdict("passed", f"Passes: {figures}.", found.as_json())
    counts = PairedCounts(found.items, found.losses, found.gains)
    low, high = counts.interval(ALPHA_WITHIN, PARITY_ALPHA)
    figures += f"; accuracy between {100 * low:+.2f} and {100 * high:+.2f} points"
    lost = found.losses > found.gains and counts.loss_p <= PARITY_ALPHA and low <= -policy.max_accuracy_loss
    surer = found.ece_rise > policy.max_ece_rise and found.nll_rise > _Z * found.nll_error
    if lost or surer:
        which = " and ".join(name for name, bad in (("accuracy", lost), ("confidence", surer)) if bad)
        return Verdict("failed", f"Fails, {which} shown to be worse: {figures}.", found.as_json())
    if beyond:
        return Verdict("inconclusive", f"No verdict: {figures}, which chance explains.", found.as_json())
    return Verdict("passed", f"Passes: {figures}.", found.as_json())
