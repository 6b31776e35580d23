"""An opened adapter: every file, setting, tensor and digest of its folder was checked, nothing is built yet.

Add here what must be true of a folder before anyone builds a model from it. `prediction.py` builds one that answers alone,
`shared_base.py` one that shares its base weights with others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ratchet import adapter_format as form
from ratchet.adapter_format import AdapterCard, refuse
from ratchet.adapter_weights import LoraSettings, check_tensors, expected_tensors, load_finite, read_settings
from ratchet.bases import Base, resolve_base
from ratchet.calibration import UNCALIBRATED, Calibration
from ratchet.encoders import empty_classifier, hidden_size_of, parameter_shapes
from ratchet.encoding import PREPROCESSING, load_tokenizer, tokenizer_digest

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class OpenedAdapter:
    """The checked content of an adapter folder."""

    card: AdapterCard
    base: Base
    tokenizer: "Tokenizer"
    calibration: Calibration
    tensors: Mapping[str, "torch.Tensor"]
    settings: LoraSettings | None
    """Of a LoRA; a probe has none."""
    skeleton: Any
    """A LoRA's architecture on the meta device, with as many labels as the adapter has; None for a probe."""


def open_adapter(folder: Path) -> OpenedAdapter:
    """Read an adapter folder, sealed or not, and check all of it.

    Raises `RatchetError` for anything that is not exactly an adapter, and for a base model or tokenizer that is not the
    one the adapter was trained on.
    """
    content = form.read_folder(folder)
    card = form.read_card(content)
    base = _check_base(card)
    tokenizer = load_tokenizer(base.folder, card.max_tokens)
    try:
        calibration = UNCALIBRATED if card.calibration is None else Calibration.from_json(dict(card.calibration))
    except (ValueError, TypeError, KeyError) as error:
        raise refuse(f"{form.CARD} holds a calibration that cannot be used: {error}.") from None
    weights, k = content[form.WEIGHTS[card.method]], len(card.labels)
    if card.method == "probe":
        check_tensors(weights, {"coef": (k, hidden_size_of(base.folder)), "intercept": (k,)})
        return OpenedAdapter(card, base, tokenizer, calibration, load_finite(weights), None, None)
    skeleton, settings = empty_classifier(base.folder, k), read_settings(content)
    check_tensors(weights, expected_tensors(settings, parameter_shapes(skeleton)))
    return OpenedAdapter(card, base, tokenizer, calibration, load_finite(weights), settings, skeleton)


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
