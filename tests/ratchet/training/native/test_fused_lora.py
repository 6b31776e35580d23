"""Training joined gives the outputs and gradients of PEFT's own layers."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from ratchet.config.candidate import Candidate
from ratchet.training.device import fast_dtype
from ratchet.training.native.fused_lora import fuse_lora
from ratchet.training.native.model_setup import build_encoder_model
from ratchet.training.native.trainable_model import TrainableModel


def build(tiny_base: Path, dropout: float, method: str = "lora") -> TrainableModel:
    """A float32 trainee whose LoRA or DoRA already differs from zero, its base without dropout."""
    candidate = Candidate(base=str(tiny_base), rank=2, alpha=4, dropout=dropout, method=method)
    trainee = build_encoder_model(tiny_base, str(tiny_base), candidate, 3, torch.float32)
    for number, master in enumerate(trainee.masters):
        master.add_(0.1 * torch.randn(master.shape, generator=torch.Generator().manual_seed(number)))
    trainee.publish()
    trainee.model.eval()
    return trainee


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_joined_layers_compute_what_peft_computes(tiny_base: Path, method: str) -> None:
    """In float32 the loss and every gradient, those of DoRA's magnitudes too, agree with PEFT's unmerged forward to
    rounding."""
    joined, plain = build(tiny_base, 0.0, method), build(tiny_base, 0.5, method)
    assert [len(joined.layers), len(plain.layers)] == [13, 0]
    ids = torch.tensor([[2, 5, 6, 7, 3], [2, 9, 3, 0, 0]])
    mask = (ids > 0).long()
    found = [each.gradients(ids, mask, torch.tensor([0, 2]), torch.tensor([0.3, 0.7])) for each in (joined, plain)]
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)
    assert found[0][:-1].norm() > 0.01


def test_the_number_format_is_the_fast_one(tiny_base: Path) -> None:
    """The model multiplies in the processor's fast format while masters and optimiser stay float32."""
    candidate = Candidate(base=str(tiny_base), rank=2)
    trainee = build_encoder_model(tiny_base, str(tiny_base), candidate, 3)
    assert {parameter.dtype for parameter in trainee.working} == {fast_dtype()}
    assert trainee.flat.dtype == torch.float32
    assert {layer.joined.dtype for layer in trainee.layers} == {fast_dtype()}


def test_a_step_too_small_for_bfloat16_is_kept_in_the_masters(tiny_base: Path) -> None:
    """A hundred steps of 1e-5 add up in float32, where bfloat16 weights of size 1 would not move at all."""
    trainee = build_encoder_model(tiny_base, str(tiny_base), replace(Candidate(base=str(tiny_base), rank=2)), 3)
    before = trainee.flat.detach().clone()
    for _ in range(100):
        trainee.step(torch.ones_like(trainee.flat), 1e-5)
    assert (before - trainee.flat.detach()).mean().item() == pytest.approx(1e-3, rel=0.05)


def test_no_small_change_is_rounded_away() -> None:
    """A change of a hundredth of what a bfloat16 weight can express moves the outputs by itself, on average, and not by
    nothing."""
    peft_model = get_peft_model(nn.Sequential(nn.Linear(64, 64)), LoraConfig(r=2, lora_alpha=2, target_modules=["0"]))
    layer = peft_model.base_model.model[0]
    draw = torch.Generator().manual_seed(0)
    for tensor, size in ((layer.base_layer.weight, 0.3), (layer.lora_A["default"].weight, 0.1)):
        tensor.data = (size * torch.randn(tensor.shape, generator=draw)).bfloat16()
    up, x = 1e-4 * torch.randn(64, 2, generator=draw), torch.randn(2048, 64, generator=draw).bfloat16()
    layer.base_layer.bias.data, layer.lora_B["default"].weight.data = (
        layer.base_layer.bias.data.bfloat16(),
        up.bfloat16(),
    )
    joined = fuse_lora(layer, up, 1.0)
    joined.joined[:, -2:] = 0
    before = layer(x).detach().float()
    joined.refresh()
    found, true = (
        layer(x).detach().float() - before,
        x.float() @ layer.lora_A["default"].weight.detach().float().t() @ up.t(),
    )
    assert float((found * true).sum() / (true * true).sum()) == pytest.approx(1, abs=0.1)
