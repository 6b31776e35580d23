"""Evaluation on the calibration split, which chooses epochs and candidates.

Add a figure of that split here. The evaluation of a finished candidate is in `ratchet/evaluation/evaluate.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ratchet.metrics.calibration import UNCALIBRATED, serve_out_of_sample, softmax
from ratchet.metrics.classification import (
    Floats,
    Integers,
    brier_score,
    expected_calibration_error,
    macro_f1,
    macro_nll,
    negative_log_likelihood,
)
from ratchet.models.adapters.merge import apply_adapter
from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.causal import load_causal
from ratchet.models.encoders import load_classifier
from ratchet.models.inference.predictor import Predictor, causal_predictor, classifier_predictor
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.models.tokenization import TextTokenizer
from ratchet.training.device import fast_dtype
from ratchet.training.history import Tensors, ValidationMetrics
from ratchet.training.task import Task


def validation_logits(predictor: Predictor, examples: Sequence[tuple[str, str]]) -> tuple[Floats, Integers]:
    """Return logits [n, k] of `(text, label)` pairs, and class indices of their labels [n]."""
    labels = np.array([predictor.labels.index(label) for _, label in examples], dtype=np.int64)
    return predictor.logits([text for text, _ in examples]), labels


def measure(logits: Floats, labels: Integers) -> ValidationMetrics:
    """Measure uncalibrated logits [n, k] against out-of-sample `labels` [n]."""
    probabilities = softmax(logits)
    return ValidationMetrics(
        macro_f1=macro_f1(probabilities.argmax(axis=1), labels, logits.shape[1]),
        nll=negative_log_likelihood(probabilities, labels),
        ece=expected_calibration_error(probabilities, labels),
        brier=brier_score(probabilities, labels),
        macro_nll=macro_nll(probabilities, labels),
    )


@dataclass(frozen=True)
class ServedLoss:
    """NLL as served on the calibration split: over items, and averaged over true classes."""

    nll: float
    macro_nll: float


def measure_served(logits: Floats, labels: Integers) -> ServedLoss:
    """NLL of logits [n, k] as served: each fold with a temperature of the others."""
    probabilities = serve_out_of_sample(logits, labels)
    return ServedLoss(negative_log_likelihood(probabilities, labels), macro_nll(probabilities, labels))


def watched(predictor: Predictor, task: Task) -> Predictor:
    """Return the predictor with a heartbeat after each batch."""
    return replace(predictor, rows=task.room.watch(predictor.rows))


def judge(task: Task, predictor: Predictor) -> ValidationMetrics:
    """Measure a predictor on the task's calibration split."""
    return measure(*validation_logits(watched(predictor, task), task.calibration))


def served_predictor(
    task: Task, tokenizer: TextTokenizer, settings: LoraSettings | None, tensors: Tensors, dtype: str = "float32"
) -> Predictor:
    """Build the predictor that would serve these tensors, on its own weights; `dtype` is for causal models only."""
    labels = task.plan.labels
    if isinstance(tokenizer, PromptTokenizer):
        model = load_causal(task.base.folder, dtype)
        apply_adapter(model, settings, tensors)
        return causal_predictor(model, labels, UNCALIBRATED, tokenizer)
    model = load_classifier(task.base.folder, len(labels))
    apply_adapter(model, settings, tensors)
    return classifier_predictor(model, labels, UNCALIBRATED, tokenizer)


def evaluate(
    task: Task, tokenizer: TextTokenizer, settings: LoraSettings | None, tensors: Tensors
) -> ValidationMetrics:
    """Measure an epoch's tensors by the serving path; a causal model in its fast format, to choose an epoch only."""
    return judge(task, served_predictor(task, tokenizer, settings, tensors, str(fast_dtype()).removeprefix("torch.")))
