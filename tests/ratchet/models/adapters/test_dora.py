"""A DoRA is stretched by one number for each output, computed once: PEFT, which computes it for every batch, says the
same."""

import copy
import warnings
from pathlib import Path

import pytest
import torch

from ratchet.core.errors import RatchetError
from ratchet.models.adapters.merge import apply_lora
from ratchet.models.adapters.peft_format import MAGNITUDE, PREFIX
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.encoders import load_classifier
from ratchet.models.inference.batched_lora import BatchedLora, dora_scales
from ratchet.models.inference.head_routing import Route
from ratchet.testing.tiny_adapter import write_tiny_adapter


@pytest.fixture(scope="module")
def dora(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random DoRA on every layer of the tiny encoder."""
    folder = tmp_path_factory.mktemp("dora") / "adapter"
    return write_tiny_adapter(folder, resolve_base(str(tiny_base)), ("a", "b", "c"), method="dora")


@pytest.mark.supports(family="encoder", method="dora", runtime="peft", export="adapter")
def test_merged_and_unmerged_it_is_what_peft_computes(tiny_base: Path, dora: Path) -> None:
    """Layers with biases included: a stretch that touched the bias would be seen."""
    from peft import PeftModel

    opened = validate_adapter(dora)
    assert opened.settings is not None
    base = load_classifier(tiny_base, 3)
    for name, value in base.named_parameters():
        if name.endswith(".bias"):
            torch.nn.init.normal_(value, std=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = PeftModel.from_pretrained(copy.deepcopy(base), dora).eval()
    merged = copy.deepcopy(base)
    apply_lora(merged, opened.settings, opened.tensors)
    route, shared = Route(), copy.deepcopy(base).requires_grad_(False)
    mixed = BatchedLora(shared, route)
    mixed.add("one", opened.settings, opened.tensors, dora_scales(shared, opened.settings, opened.tensors))
    route.names = ["one", "one", "nobody"]
    ids = torch.arange(5, 26).view(3, 7)
    heads = [(name, value) for name, value in opened.tensors.items() if ".lora_" not in name]
    with torch.no_grad():
        for name, value in heads:
            shared.get_parameter(name.removeprefix(PREFIX)).copy_(value)
        expected = theirs(input_ids=ids).logits
        assert torch.allclose(merged(input_ids=ids).logits, expected, atol=1e-5)
        found = mixed(input_ids=ids).logits
    assert torch.allclose(found[:2], expected[:2], atol=1e-5)
    assert not torch.allclose(found[2], expected[2], atol=1e-2)


def test_an_output_without_a_length_is_refused(tiny_base: Path, dora: Path) -> None:
    """A row of zeros has no direction: what would be served is no number."""
    opened = validate_adapter(dora)
    assert opened.settings is not None
    module = opened.settings.target_modules[0]
    model = load_classifier(tiny_base, 3)
    tensors = dict(opened.tensors)
    with torch.no_grad():
        model.get_submodule(module).weight[0] = 0
    tensors[f"{PREFIX}{module}.lora_B.weight"] = torch.zeros_like(tensors[f"{PREFIX}{module}.lora_B.weight"])
    assert f"{PREFIX}{module}{MAGNITUDE}" in tensors
    with pytest.raises(RatchetError, match="an output of length zero"):
        apply_lora(model, opened.settings, tensors)
