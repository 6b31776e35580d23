"""Validation of an adapter folder: every file, setting, tensor and digest is checked before a model is built.

Add here what must hold before a model is built from a folder. `ratchet/models/inference/predictor.py` builds a model of
one adapter, `ratchet/models/inference/multi_adapter.py` one whose base weights several adapters share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ratchet.config.prompt import Prompt
from ratchet.metrics.calibration import UNCALIBRATED, Calibration
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import OpenFolder, open_folder
from ratchet.models.adapters.format import AdapterCard, bad_adapter
from ratchet.models.adapters.peft_format import (
    LoraSettings,
    check_heads,
    expected_tensors,
    load_finite,
    read_lora_settings,
)
from ratchet.models.adapters.safetensors_header import check_header
from ratchet.models.base_models import Base, names_in, resolve_base
from ratchet.models.causal import empty_causal
from ratchet.models.encoders import empty_classifier, hidden_size_of, parameter_shapes
from ratchet.models.preprocessing import LATEST, VERSIONS, Preprocessing
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.models.tokenization import TextTokenizer, load_tokenizer, tokenizer_digest

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class ValidatedAdapter:
    """Checked content of an adapter folder."""

    card: AdapterCard
    base: Base
    tokenizer: TextTokenizer
    calibration: Calibration
    tensors: Mapping[str, "torch.Tensor"]
    settings: LoraSettings | None
    """Settings of a LoRA or DoRA; None for the forms `full` and `probe`."""
    skeleton: Any
    """Architecture on the meta device, with the adapter's number of labels; None for a probe."""


def validate_adapter(folder: Path) -> ValidatedAdapter:
    """Read an adapter folder, sealed or not, and check all of it.

    Raises `RatchetError` for any deviation from the format, and for a base model or tokenizer other than the one the
    adapter was trained on.
    """
    with open_folder(folder) as files:
        card = files.card
        base = _check_base(card)
        tokenizer = _load_tokenizer(base, card)
        calibration = read_calibration(card)
        settings, skeleton, expected = _expect(files, base)
        check_header(files.header, expected)
        return ValidatedAdapter(
            card, base, tokenizer, calibration, load_finite(files.read_weights()), settings, skeleton
        )


def _expect(files: OpenFolder, base: Base) -> tuple[LoraSettings | None, Any, dict[str, tuple[int, ...]]]:
    """Settings and architecture of an adapter, and the names and shapes that its weights must have."""
    card, k = files.card, len(files.card.labels)
    if card.method == "probe":
        return None, None, {"coef": (k, hidden_size_of(base.folder)), "intercept": (k,)}
    skeleton = empty_causal(base.folder) if card.family == "causal" else empty_classifier(base.folder, k)
    shapes = parameter_shapes(skeleton)
    if card.method == "full":
        return None, skeleton, shapes
    settings = read_lora_settings(files.small)
    if settings.base != card.base:
        raise bad_adapter(f"{form.CONFIG} names base {settings.base[:60]!r}, {form.CARD} names {card.base[:60]!r}.")
    if settings.causal != (card.family == "causal"):
        raise bad_adapter(f"{form.CONFIG} and {form.CARD} name different families.")
    if settings.dora != (card.method == "dora"):
        raise bad_adapter(f"{form.CONFIG} and {form.CARD} name different forms: only one of them is DoRA.")
    expected = expected_tensors(settings, shapes)
    if settings.heads:
        check_heads(expected, skeleton.base_model_prefix, names_in(base.folder))
    return settings, skeleton, expected


def read_calibration(card: AdapterCard) -> Calibration:
    """Calibration of a card; `UNCALIBRATED` where it has none."""
    try:
        return UNCALIBRATED if card.calibration is None else Calibration.from_json(dict(card.calibration))
    except (ValueError, TypeError, KeyError) as error:
        raise bad_adapter(f"{form.CARD} holds a calibration that cannot be used: {form.show(str(error))}.") from None


def read_prompt(card: AdapterCard) -> Prompt | None:
    """Prompt of a card; None for an encoder's."""
    if card.prompt is None:
        return None
    try:
        prompt = Prompt.from_json(card.prompt)
    except (TypeError, KeyError):
        raise bad_adapter(f"{form.CARD} holds a prompt that cannot be used.") from None
    if len(prompt.codes) != len(card.labels):
        raise bad_adapter(f"{form.CARD} holds {len(prompt.codes)} codes for {len(card.labels)} labels.")
    return prompt


def read_preprocessing(card: AdapterCard) -> Preprocessing:
    """Preprocessing that a card names; raises `RatchetError` for one that this version does not know."""
    if card.preprocessing not in VERSIONS:
        raise bad_adapter(
            f"the adapter was trained with preprocessing {card.preprocessing[:40]!r}; this version of Ratchet knows"
            f" {', '.join(map(repr, VERSIONS))}.",
            "Update Ratchet, or train again.",
        )
    return VERSIONS[card.preprocessing].rendered(card.rendering)


def make_card(
    base: Base,
    method: form.Form,
    labels: tuple[str, ...],
    max_tokens: int,
    prompt: Prompt | None = None,
    rendering: str = "",
) -> AdapterCard:
    """Make the card of an adapter that was trained here on `base`; with a prompt it is causal."""
    return AdapterCard(
        family="causal" if prompt else "encoder",
        method=method,
        base=base.name,
        base_revision=base.revision,
        tokenizer_digest=tokenizer_digest(base.folder, chat=prompt is not None and prompt.chat),
        labels=labels,
        max_tokens=max_tokens,
        preprocessing=LATEST.name,
        prompt=prompt.as_json() if prompt else None,
        rendering=rendering or None,
    )


def _load_tokenizer(base: Base, card: AdapterCard) -> TextTokenizer:
    prompt = read_prompt(card)
    if prompt is None:
        return load_tokenizer(base.folder, card.max_tokens, read_preprocessing(card))
    return load_prompt_tokenizer(base.folder, prompt, card.max_tokens, read_preprocessing(card))


def _check_base(card: AdapterCard) -> Base:
    base = resolve_base(card.base)
    here = make_card(base, card.method, card.labels, card.max_tokens)
    read_preprocessing(card)
    if card.base_revision != here.base_revision:
        raise bad_adapter(
            f"the adapter was trained with base_revision {card.base_revision[:24]!r};"
            f" {here.base_revision[:24]!r} is installed.",
            "Install the base model that the adapter names, or train again.",
        )
    chat = card.prompt is not None and card.prompt.get("chat") is True
    installed = tokenizer_digest(base.folder, chat=chat)
    # older cards have the digest without the chat template, which `here` has too: it is made without a prompt
    if card.tokenizer_digest not in (installed, here.tokenizer_digest):
        files = "tokenizer.json and chat template" if chat else "tokenizer.json"
        raise bad_adapter(
            f"the adapter was trained with tokenizer_digest {card.tokenizer_digest[:24]!r};"
            f" {installed[:24]!r} is installed.",
            f"Restore the base's {files}, or train again.",
        )
    return base
