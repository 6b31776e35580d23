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

AnswerPair = tuple[Floats, Floats]
"""Logits and calibrated probabilities, [n, k] each."""
GOLDEN, HELD_OUT = "golden", "calibration"
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
    return Parity(
        items=n,
        changed=int((predicted[0] != predicted[1]).sum()),
        accuracy=right[1] / n,
        accuracy_loss=(right[0] - right[1]) / n,
        macro_f1_loss=scores[0] - scores[1],
        ece_rise=errors[1] - errors[0],
        max_logit_distance=float(np.abs(centred[0] - centred[1]).max()),
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
    """Passes when the export loses no more accuracy and ECE than `policy` allows, on enough labelled texts."""
    figures = (
        f"{found.changed} of {found.items} answers change, accuracy {-found.accuracy_loss * 100:+.2f} points "
        f"(limit {-policy.max_accuracy_loss * 100:+.2f}), macro-F1 {-found.macro_f1_loss * 100:+.2f} points, "
        f"ECE {found.ece_rise:+.4f} (limit {policy.max_ece_rise:+.4f})"
    )
    if found.items < policy.min_items:
        reason = f"Fails: {found.items} labelled texts are too few to compare on; {policy.min_items} are needed."
        return Verdict("failed", reason, found.as_json())
    if found.accuracy_loss > policy.max_accuracy_loss or found.ece_rise > policy.max_ece_rise:
        return Verdict("failed", f"Fails: {figures}.", found.as_json())
    return Verdict("passed", f"Passes: {figures}.", found.as_json())
