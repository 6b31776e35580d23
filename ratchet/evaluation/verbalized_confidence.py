"""Verbalised confidence: the confidence that a causal model writes down, beside that of its logits.

After the code of its own answer it reads "Confidence from 0 to 9:", and the probabilities of the ten digits there,
normalised to the sum 1, are its answer: digit d stands for (d + 0.5) / 10, and their mean is the confidence. Nothing is
sampled or parsed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import Floats, Integers, calibration_error_of
from ratchet.models.inference.predictor import CausalPredictor
from ratchet.models.prompt_tokenizer import find_codes
from ratchet.models.token_batches import run_encoded
from ratchet.models.tokenization import encode_texts

QUESTION = "\nConfidence from 0 to 9:"
_DIGITS = tuple("0123456789")


@dataclass(frozen=True)
class Verbalised:
    """Confidences of the same answers by both methods, [n]."""

    written: Floats
    by_logits: Floats
    right: "np.ndarray[Any, np.dtype[np.bool_]]"

    def as_json(self) -> dict[str, Any]:
        """Return the figures for the report."""
        return {
            "n": len(self.right), "question": QUESTION.strip(), "accuracy": float(self.right.mean()),
            "written_mean": float(self.written.mean()), "written_ece": calibration_error_of(self.written, self.right),
            "logits_mean": float(self.by_logits.mean()), "logits_ece": calibration_error_of(self.by_logits, self.right),
        }  # fmt: skip


def write_confidence(predictor: CausalPredictor, texts: Sequence[str], answers: Integers) -> Floats:
    """Return the confidence that the model writes after its answers (label indices [n]): [n], 0.05 to 0.95."""
    tokenizer = predictor.tokenizer
    uncut = tokenizer.without_cutting()
    digits = find_codes(uncut, QUESTION, _DIGITS)
    question = uncut.encode(QUESTION, add_special_tokens=False).ids
    rows = [
        [*ids, tokenizer.codes[answer], *question]
        for ids, answer in zip(encode_texts(tokenizer, texts), answers.tolist(), strict=True)
    ]
    logits = run_encoded(predictor.asking(digits), rows, predictor.pad_id, len(_DIGITS))
    return np.asarray(softmax(logits) @ ((np.arange(10) + 0.5) / 10))
