"""Prediction: an adapter folder becomes a predictor. Training, evaluation and serving all ask this one class.

Add here what lies between texts and probabilities. What a folder may hold is said in `adapter_format.py`, how texts
become batches in `encoding.py`, how logits become probabilities in `calibration.py`.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet import adapter_format as form
from ratchet.adapter_format import AdapterCard, refuse
from ratchet.bases import Base, resolve_base
from ratchet.calibration import UNCALIBRATED, Calibration, apply_calibration
from ratchet.encoding import PREPROCESSING, batch_by_tokens, encode_texts, load_tokenizer, pad_batch, tokenizer_digest
from ratchet.evaluation import Floats

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

Rows = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""`(input_ids, attention_mask)` to one float32 row for each text."""


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
        return Predictor(card.labels, calibration, tokenizer, _pad_id(base.folder), _probe_rows(base, card, weights))
    model = empty_classifier(base.folder, len(card.labels))
    settings = form.read_settings(content)
    form.check_tensors(weights, form.expected_tensors(settings, parameter_shapes(model)))
    model = load_classifier(base.folder, len(card.labels))
    apply_lora(model, settings, _load_finite(weights))
    return classifier_predictor(model, card.labels, calibration, tokenizer)


def classifier_predictor(model: Any, labels: tuple[str, ...], calibration: Calibration, tokenizer: "Tokenizer") -> Predictor:
    """A predictor around a loaded sequence-classification model in evaluation mode."""

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        logits: torch.Tensor = model(input_ids=ids, attention_mask=mask).logits
        return logits

    return Predictor(labels, calibration, tokenizer, model.config.pad_token_id or 0, rows)


def run_in_batches(rows: Rows, tokenizer: "Tokenizer", pad_id: int, texts: Sequence[str], width: int) -> Floats:
    """`rows` of every text, float64 [n, width], in batches of similar length; the order of the texts is kept."""
    import torch

    torch.set_num_threads(1)
    encoded = encode_texts(tokenizer, texts)
    result = np.empty((len(texts), width), dtype=np.float64)
    with torch.inference_mode():
        for batch in batch_by_tokens([len(ids) for ids in encoded]):
            result[batch] = rows(*pad_batch([encoded[index] for index in batch], pad_id)).double().numpy()
    return result


def embed_texts(base_name: str, texts: Sequence[str], max_tokens: int = 128) -> Floats:
    """Embeddings by the frozen base model, float64 [n, d]: mean over tokens, then unit length."""
    base = resolve_base(base_name)
    model = _base_encoder(base.folder)
    tokenizer = load_tokenizer(base.folder, max_tokens)
    width = model.config.hidden_size
    return run_in_batches(functools.partial(_mean_pooled, model), tokenizer, _pad_id(base.folder), texts, width)


def empty_classifier(folder: Path, k: int) -> Any:
    """The classifier's architecture on the meta device: names and shapes without memory."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    with torch.device("meta"):
        return AutoModelForSequenceClassification.from_config(AutoConfig.from_pretrained(folder, num_labels=k))


def parameter_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """Shape of every parameter, by its dotted name."""
    return {name: tuple(value.shape) for name, value in model.named_parameters()}


def load_classifier(folder: Path, k: int) -> Any:
    """The base model with a fresh `k`-label head, float32, in evaluation mode; the head's weights follow torch's seed."""
    return load_classifier_with_info(folder, k)[0]


def load_classifier_with_info(folder: Path, k: int) -> tuple[Any, set[str]]:
    """`load_classifier` and the names of the parameters that the base model does not hold."""
    import torch
    from transformers import AutoModelForSequenceClassification
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model, info = AutoModelForSequenceClassification.from_pretrained(
            folder,
            num_labels=k,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    finally:
        logging.set_verbosity(level)
    missing = {*info["missing_keys"], *(key[0] for key in info["mismatched_keys"])}
    return model.eval(), missing


def apply_lora(model: Any, settings: form.LoraSettings, tensors: Mapping[str, "torch.Tensor"]) -> None:
    """Add the low-rank product to each target's weight and put the saved heads in place: the model is merged for good."""
    import torch

    parameters = dict(model.named_parameters())
    lora = {f"{form.PREFIX}{module}" for module in settings.target_modules}
    with torch.no_grad():
        for module in settings.target_modules:
            down, up = (tensors[f"{form.PREFIX}{module}.lora_{side}.weight"] for side in "AB")
            parameters[f"{module}.weight"].add_((up @ down) * (settings.alpha / settings.rank))
        for name, value in tensors.items():
            if name.rpartition(".lora_")[0] not in lora:
                parameters[name.removeprefix(form.PREFIX)].copy_(value)


def describe_base(base: Base) -> dict[str, str]:
    """The fields of a card that pin a base model."""
    return {
        "base": base.name,
        "base_revision": base.revision,
        "tokenizer_digest": tokenizer_digest(base.folder),
        "preprocessing": PREPROCESSING,
    }


def _check_base(card: AdapterCard) -> Base:
    base = resolve_base(card.base)
    for key, found in describe_base(base).items():
        if getattr(card, key) != found:
            raise refuse(
                f"the adapter was trained with {key} {getattr(card, key)[:24]!r}, here is {found[:24]!r}.",
                "Install the base model that the adapter names, or train again.",
            )
    return base


def _load_finite(weights: bytes) -> dict[str, "torch.Tensor"]:
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(weights)
    except SafetensorError as error:
        raise refuse(f"adapter weights cannot be read: {error}.") from None
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise refuse(f"tensor {name} holds values that are not finite.")
    return tensors


def _probe_rows(base: Base, card: AdapterCard, weights: bytes) -> Rows:
    model = _base_encoder(base.folder)
    width = model.config.hidden_size
    form.check_tensors(weights, {"coef": (len(card.labels), width), "intercept": (len(card.labels),)})
    tensors = _load_finite(weights)

    def rows(ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
        return _mean_pooled(model, ids, mask) @ tensors["coef"].T + tensors["intercept"]

    return rows


@functools.lru_cache(maxsize=2)
def _base_encoder(folder: Path) -> Any:
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = AutoModel.from_pretrained(folder, dtype=torch.float32, local_files_only=True, use_safetensors=True)
    finally:
        logging.set_verbosity(level)
    return model.eval()


def _mean_pooled(model: Any, ids: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    import torch

    hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
    weight = mask.unsqueeze(-1).to(hidden.dtype)
    return torch.nn.functional.normalize((hidden * weight).sum(dim=1) / weight.sum(dim=1), dim=1)


def _pad_id(folder: Path) -> int:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(folder).pad_token_id or 0
