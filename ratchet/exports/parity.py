"""Parity: whether an export answers as well as the adapter that it was made from.

Add here what two sets of answers are compared by; who asks is `ratchet/stores/exports.py`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ratchet.errors import RatchetError
from ratchet.evaluation import Floats, Integers, expected_calibration_error, macro_f1
from ratchet.gates import Verdict
from ratchet.policy import ExportPolicy


@dataclass(frozen=True)
class Parity:
    """How the answers of an export differ from the adapter's on the same labelled texts."""

    items: int
    changed: int
    """Texts that get another label."""
    accuracy: float
    accuracy_loss: float
    macro_f1_loss: float
    ece_rise: float
    max_logit_distance: float
    """After each row's mean was taken off: the softmax knows no more."""

    def as_json(self) -> dict[str, Any]:
        """The figures as JSON types."""
        return asdict(self)


def compare_answers(ours: tuple[Floats, Floats], theirs: tuple[Floats, Floats], truth: Sequence[int] | Integers) -> Parity:
    """Compare `(logits, calibrated probabilities)`, [n, k] each, of adapter and export on texts with label indices `truth` [n]."""
    if not np.isfinite(theirs[0]).all():
        raise RatchetError("the export answers with what is no number.", "Use another kind of export.", code="bad_export")
    labels = np.asarray(truth, dtype=np.int64)
    n, k = ours[0].shape
    if n == 0:
        return Parity(0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    said = [probabilities.argmax(axis=1) for _, probabilities in (ours, theirs)]
    right = [int((found == labels).sum()) for found in said]  # counted, so that three of a thousand are 0.003 and not a hair more
    centred = [logits - logits.mean(axis=1, keepdims=True) for logits, _ in (ours, theirs)]
    errors = [expected_calibration_error(probabilities, labels) for _, probabilities in (ours, theirs)]
    scores = [macro_f1(found, labels, k) for found in said]
    return Parity(
        items=n,
        changed=int((said[0] != said[1]).sum()),
        accuracy=right[1] / n,
        accuracy_loss=(right[0] - right[1]) / n,
        macro_f1_loss=scores[0] - scores[1],
        ece_rise=errors[1] - errors[0],
        max_logit_distance=float(np.abs(centred[0] - centred[1]).max()),
    )


def decide_parity(found: Parity, policy: ExportPolicy) -> Verdict:
    """Passes when the export loses no more accuracy and ECE than `policy` allows, on enough labelled texts."""
    said = (
        f"{found.changed} of {found.items} answers change, accuracy {-found.accuracy_loss * 100:+.2f} points "
        f"(limit {-policy.max_accuracy_loss * 100:+.2f}), macro-F1 {-found.macro_f1_loss * 100:+.2f} points, "
        f"ECE {found.ece_rise:+.4f} (limit {policy.max_ece_rise:+.4f})"
    )
    if found.items < policy.min_items:
        reason = f"Fails: {found.items} labelled texts are too few to compare on; {policy.min_items} are needed."
        return Verdict("failed", reason, found.as_json())
    if found.accuracy_loss > policy.max_accuracy_loss or found.ece_rise > policy.max_ece_rise:
        return Verdict("failed", f"Fails: {said}.", found.as_json())
    return Verdict("passed", f"Passes: {said}.", found.as_json())
