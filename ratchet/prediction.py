"""Prediction: an adapter folder becomes a predictor. Training, evaluation and serving all ask this one class.

Add here what lies between texts and probabilities. What a folder may hold is said in `adapter_format.py`, how texts
become batches in `encoding.py`, how logits become probabilities in `calibration.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ratchet import adapter_format as form
from ratchet.adapter_format import AdapterCard, refuse
from ratchet.adapter_weights import check_tensors, expected_tensors, load_finite, read_settings
from ratchet.bases import Base, resolve_base
from ratchet.calibration import UNCALIBRATED, Calibration, apply_calibration
from ratchet.embedding import mean_pooled
from ratchet.encoders import apply_lora, empty_classifier, load_classifier, load_encoder, pad_id_of, parameter_shapes
from ratchet.encoding import PREPROCESSING, Rows, load_tokenizer, run_in_batches, tokenizer_digest
from ratchet.evaluation import Floats

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Predictions:
    """What a predictor says of n texts."""

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
    tokenizer: "Tokenizer"
    pad_id: int
    rows: Rows

    def logits(self, texts: Sequence[str]) -> Floats:
        """Raw scores, float64 [n, k], before calibration. No texts give [0, k]."""
        return run_in_batches(self.rows, self.tokenizer, self.pad_id, texts, len(self.labels))

    def predict(self, texts: Sequence[str]) -> Predictions:
        """Answers with calibrated probabilities."""
        probabilities = apply_calibration(self.logits(texts), self.calibration)
        best = probabilities.argmax(axis=1)
        confidence = probabilities[np.arange(len(best)), best]
        return Predictions([self.labels[index] for index in best], confidence, probabilities)


def load_predictor(folder: Path) -> Predictor:
    """The predictor of an adapter folder, sealed or not, after every file, setting, tensor and digest was checked.

    Sets torch to one thread in this process. Raises `RatchetError` for anything that is not exactly an adapter, and for
    a base model or tokenizer that is not the one the adapter was trained on.
    """
    content = form.read_folder(folder)
    card = form.read_card(content)
    base = _check_base(card)
    tokenizer = load_tokenizer(base.folder, card.max_tokens)
    try:
        calibration = UNCALIBRATED if card.calibration is None else Calibration.from_json(dict(card.calibration))
    except (ValueError, TypeError, KeyError) as error:
        raise refuse(f"{form.CARD} holds a calibration that cannot be used: {error}.") from None
    weights = content[form.WEIGHTS[card.method]]
    if card.method == "probe":
        return Predictor(card.labels, calibration, tokenizer, pad_id_of(base.folder), _probe_rows(base, card, weights))
    model = empty_classifier(base.folder, len(card.labels))
    settings = read_settings(content)
    check_tensors(weights, expected_tensors(settings, parameter_shapes(model)))
    model = load_classifier(base.folder, len(card.labels))
    apply_lora(model, settings, load_finite(weights))
    return classifier_predictor(model, card.labels, calibration, tokenizer)


def classifier_predictor(model: Any, labels: tuple[str, ...], calibration: Calibration, tokenizer: "Tokenizer") -> Predictor:
    """A predictor around a loaded sequence-classification model in evaluation mode."""

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        logits: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
        return logits

    return Predictor(labels, calibration, tokenizer, model.config.pad_token_id or 0, rows)


def make_card(base: Base, method: Literal["lora", "probe"], labels: tuple[str, ...], max_tokens: int) -> AdapterCard:
    """The card of an adapter that was trained here, on `base`."""
    return AdapterCard(
        family="encoder",
        method=method,
        base=base.name,
        base_revision=base.revision,
        tokenizer_digest=tokenizer_digest(base.folder),
        labels=labels,
        max_tokens=max_tokens,
        preprocessing=PREPROCESSING,
    )


def _check_base(card: AdapterCard) -> Base:
    base = resolve_base(card.base)
    here = make_card(base, card.method, card.labels, card.max_tokens)
    for key in ("base_revision", "tokenizer_digest", "preprocessing"):
        trained, found = getattr(card, key), getattr(here, key)
        if trained != found:
            raise refuse(
                f"the adapter was trained with {key} {trained[:24]!r}, here is {found[:24]!r}.",
                "Install the base model that the adapter names, or train again.",
            )
    return base


def _probe_rows(base: Base, card: AdapterCard, weights: bytes) -> Rows:
    model = load_encoder(base.folder)
    width = model.config.hidden_size
    check_tensors(weights, {"coef": (len(card.labels), width), "intercept": (len(card.labels),)})
    tensors = load_finite(weights)

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        return mean_pooled(model, ids, mask) @ tensors["coef"].T + tensors["intercept"]

    return rows
