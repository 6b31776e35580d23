"""Predictors, loaded from adapter folders; training, evaluation and serving all use this one class.

Add here what lies between texts and probabilities. Folders are checked in `ratchet/models/adapters/validation.py`,
texts are batched in `ratchet/models/token_batches.py`, logits become probabilities in `ratchet/metrics/calibration.py`;
several adapters on one set of base weights are in `multi_adapter.py`.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.metrics.calibration import Calibration, apply_calibration
from ratchet.metrics.classification import Floats
from ratchet.models.adapters.merge import apply_adapter
from ratchet.models.adapters.validation import ValidatedAdapter, validate_adapter
from ratchet.models.causal import load_causal, pad_id_of_causal, prompted_rows
from ratchet.models.embeddings import mean_pooled
from ratchet.models.encoders import load_classifier, load_encoder, pad_id_of
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.models.token_batches import RunRows, run_in_batches
from ratchet.models.tokenization import TextTokenizer

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Predictions:
    """Answers of a predictor to n texts."""

    labels: list[str]
    confidence: Floats
    """[n], calibrated probability of the answered label."""
    probabilities: Floats
    """[n, k], calibrated, rows sum to 1, columns in the order of `Predictor.labels`."""


@dataclass(frozen=True)
class Predictor:
    """A model that answers with one of `labels`, in float32."""

    labels: tuple[str, ...]
    calibration: Calibration
    tokenizer: TextTokenizer
    pad_id: int
    rows: RunRows
    network: Any = field(default=None, kw_only=True)
    """Torch model behind `rows`, needed by explanations; None in a runtime without gradients."""

    def logits(self, texts: Sequence[str]) -> Floats:
        """Raw scores, float64 [n, k], before calibration. No texts give [0, k]."""
        return run_in_batches(self.rows, self.tokenizer, self.pad_id, texts, len(self.labels))

    def predict(self, texts: Sequence[str]) -> Predictions:
        """Predict labels with calibrated probabilities."""
        return self.judge(self.logits(texts))

    def judge(self, logits: Floats) -> Predictions:
        """Turn raw scores [n, k] into labels with calibrated probabilities."""
        probabilities = apply_calibration(logits, self.calibration)
        best = probabilities.argmax(axis=1)
        confidence = probabilities[np.arange(len(best)), best]
        return Predictions([self.labels[index] for index in best], confidence, probabilities)


@dataclass(frozen=True)
class CausalPredictor(Predictor):
    """A causal model behind a prompt, which can score other tokens than the labels too."""

    tokenizer: PromptTokenizer

    def asking(self, codes: Sequence[int]) -> RunRows:
        """Function from rows of tokens after the shared part to the scores of the tokens `codes`, [n, codes]."""
        return prompted_rows(self.network, self.tokenizer.prefix, codes)


def load_predictor(folder: Path) -> Predictor:
    """Load the predictor of an adapter folder, sealed or not, after every file, setting, tensor and digest was checked.

    It has base weights of its own, with a LoRA or DoRA merged into them. Sets torch to one thread in this process.
    Raises `RatchetError` as `validate_adapter` does.
    """
    opened = validate_adapter(folder)
    if opened.card.method == "probe":
        pad_id = pad_id_of(opened.base.folder)
        encoder = load_encoder(opened.base.folder)
        rows = _probe_rows(encoder, opened)
        return Predictor(opened.card.labels, opened.calibration, opened.tokenizer, pad_id, rows, network=encoder)
    if isinstance(opened.tokenizer, PromptTokenizer):
        model = load_causal(opened.base.folder)
        apply_adapter(model, opened.settings, opened.tensors)
        return causal_predictor(model, opened.card.labels, opened.calibration, opened.tokenizer)
    model = load_classifier(opened.base.folder, len(opened.card.labels))
    apply_adapter(model, opened.settings, opened.tensors)
    return classifier_predictor(model, opened.card.labels, opened.calibration, opened.tokenizer)


def causal_predictor(
    model: Any, labels: tuple[str, ...], calibration: Calibration, tokenizer: PromptTokenizer
) -> "CausalPredictor":
    """Make a predictor of a loaded causal model in evaluation mode: it scores the label tokens after the prompt."""
    rows = prompted_rows(model, tokenizer.prefix, tokenizer.codes)
    return CausalPredictor(labels, calibration, tokenizer, pad_id_of_causal(model), rows, network=model)


def classifier_predictor(
    model: Any, labels: tuple[str, ...], calibration: Calibration, tokenizer: TextTokenizer
) -> Predictor:
    """Make a predictor of a loaded sequence-classification model in evaluation mode."""

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        logits: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
        return logits

    return Predictor(labels, calibration, tokenizer, model.config.pad_token_id or 0, rows, network=model)


def probe_logits(pooled: "torch.Tensor", opened: ValidatedAdapter) -> "torch.Tensor":
    """Logits of a probe, float32 [n, k], from pooled texts [n, d]."""
    return pooled @ opened.tensors["coef"].T + opened.tensors["intercept"]


def _probe_rows(encoder: Any, opened: ValidatedAdapter) -> RunRows:
    embed = functools.partial(mean_pooled, encoder)
    return lambda ids, mask: probe_logits(embed(ids, mask), opened)
