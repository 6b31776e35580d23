"""Every form of an adapter is sealed, opened and served; with another set of tensors it is refused before any is
allocated."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from ratchet.core.errors import RatchetError
from ratchet.models.adapters import format as form
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.model_pool import ModelPool
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.tiny_adapter import write_tiny_adapter

Tensors = dict[str, torch.Tensor]
LABELS = ("card", "money", "rate")
MAGNITUDE = "base_model.model.bert.encoder.layer.0.attention.self.query.lora_magnitude_vector"


@pytest.mark.parametrize("method", ["dora", "full"])
def test_it_is_sealed_and_answers_from_there(tmp_path: Path, tiny_base: Path, method: form.Form) -> None:
    """The digest covers the weights, and what is opened by it says what the unsealed folder said."""
    folder = write_tiny_adapter(tmp_path / "made", resolve_base(str(tiny_base)), LABELS, method=method)
    store = AdapterStore(Home(tmp_path / "home"))
    digest = store.seal("tickets", folder, {})
    sealed, texts = store.open("tickets", digest), ["my card never arrived", "rate"]
    bases = ModelPool()
    np.testing.assert_array_equal(bases.load(sealed).logits(texts), bases.load(folder).logits(texts))
    weights = sealed / form.WEIGHTS[method]
    weights.chmod(0o644)
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(RatchetError, match="differ from their manifest"):
        store.open("tickets", digest)


def _without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {key: value for key, value in tensors.items() if key != name}


def _with(name: str, value: torch.Tensor) -> Callable[[Tensors], Tensors]:
    return lambda tensors: {**tensors, name: value}


@pytest.mark.parametrize(
    ("method", "change", "said"),
    [
        ("dora", _without(MAGNITUDE), f"lack 1 tensors, first {MAGNITUDE}"),
        ("dora", _with(MAGNITUDE, torch.ones(31)), r"expected float32 \[32\]"),
        ("dora", _with(MAGNITUDE, torch.full((32,), torch.nan)), "not finite"),
        ("lora", _with(MAGNITUDE, torch.ones(32)), "hold 1 unexpected tensors"),
        ("full", _without("classifier.bias"), r"lack 1 tensors, first classifier\.bias"),
        ("full", _with("classifier.more", torch.ones(1)), "hold 1 unexpected tensors"),
        ("full", _with("classifier.bias", torch.ones(3, dtype=torch.float64)), r"expected float32 \[3\]"),
        ("full", _with("classifier.weight", torch.ones(2, 32)), r"expected float32 \[3, 32\]"),
        ("full", _with("classifier.bias", torch.full((3,), torch.inf)), "not finite"),
    ],
)
def test_another_set_of_tensors_is_refused(
    tmp_path: Path, tiny_base: Path, method: form.Form, change: Callable[[Tensors], Tensors], said: str
) -> None:
    """Names, shapes and types are those of the settings and the architecture, no more and no less."""
    folder = write_tiny_adapter(tmp_path / "made", resolve_base(str(tiny_base)), LABELS, method=method)
    weights = folder / form.WEIGHTS[method]
    weights.write_bytes(save(change(load(weights.read_bytes()))))
    with pytest.raises(RatchetError, match=said):
        validate_adapter(folder)


def test_a_form_has_its_own_files(tmp_path: Path, tiny_base: Path) -> None:
    """Weights of one form beside the card of another are no adapter."""
    folder = write_tiny_adapter(tmp_path / "made", resolve_base(str(tiny_base)), LABELS, method="full")
    card = json.loads((folder / form.CARD).read_bytes())
    (folder / form.CARD).write_text(json.dumps({**card, "method": "lora"}))
    with pytest.raises(RatchetError, match="a lora needs"):
        validate_adapter(folder)
