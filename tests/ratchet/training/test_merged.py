"""Training merged gives the outputs and gradients of PEFT's own layers."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ratchet.candidate import Candidate
from ratchet.training import lora
from ratchet.training.lora import Trainee, build_trainee


def build(tiny_base: Path, dropout: float) -> Trainee:
    """A float32 trainee whose LoRA already differs from zero, its base without dropout."""
    candidate = Candidate(base=str(tiny_base), rank=2, alpha=4, dropout=dropout)
    trainee = build_trainee(tiny_base, str(tiny_base), candidate, 3, torch.float32)
    for number, master in enumerate(trainee.masters):
        master.add_(0.1 * torch.randn(master.shape, generator=torch.Generator().manual_seed(number)))
    trainee.publish()
    trainee.model.eval()
    return trainee


def test_merged_layers_compute_what_peft_computes(tiny_base: Path) -> None:
    """In float32 the loss and every gradient agree with PEFT's unmerged forward to rounding."""
    merged, plain = build(tiny_base, 0.0), build(tiny_base, 0.5)
    assert [len(merged.layers), len(plain.layers)] == [13, 0]
    ids = torch.tensor([[2, 5, 6, 7, 3], [2, 9, 3, 0, 0]])
    mask = (ids > 0).long()
    found = [each.gradients(ids, mask, torch.tensor([0, 2]), torch.tensor([0.3, 0.7])) for each in (merged, plain)]
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-6)
    assert found[0][:-1].norm() > 0.01


def test_the_number_format_is_the_fast_one(tiny_base: Path) -> None:
    """The model multiplies in the processor's fast format while masters and optimiser stay float32."""
    candidate = Candidate(base=str(tiny_base), rank=2)
    trainee = build_trainee(tiny_base, str(tiny_base), candidate, 3)
    assert {parameter.dtype for parameter in trainee.working} == {lora.fast_dtype()}
    assert trainee.flat.dtype == torch.float32
    assert {layer.merged.dtype for layer in trainee.layers} == {lora.fast_dtype()}


def test_a_step_too_small_for_bfloat16_is_kept_in_the_masters(tiny_base: Path) -> None:
    """A hundred steps of 1e-5 add up in float32, where bfloat16 weights of size 1 would not move at all."""
    trainee = build_trainee(tiny_base, str(tiny_base), replace(Candidate(base=str(tiny_base), rank=2)), 3)
    before = trainee.flat.detach().clone()
    for _ in range(100):
        trainee.step(torch.ones_like(trainee.flat), 1e-5)
    assert (before - trainee.flat.detach()).mean().item() == pytest.approx(1e-3, rel=0.05)
