"""Cheap dropout drops the share it is asked for, keeps the mean, and follows from its seed."""

import torch
from torch import nn

from ratchet.training.native.dropout import DropoutNoise, replace_dropouts


def dropped(seed: int, epoch: int, rank: int) -> torch.Tensor:
    """What a dropout of 0.25 makes of many ones in training mode."""
    model, noise = nn.Sequential(nn.Dropout(0.25)), DropoutNoise()
    replace_dropouts(model, noise)
    noise.begin_epoch(seed, epoch, rank)
    values: torch.Tensor = model.train()(torch.ones(400, 100))
    return values


def test_a_quarter_is_dropped_and_the_mean_is_kept() -> None:
    """Of 40,000 ones a quarter becomes zero and the rest 4/3."""
    values = dropped(0, 1, 0)
    assert abs((values == 0).float().mean().item() - 0.25) < 0.01
    torch.testing.assert_close(values.max(), torch.tensor(4 / 3))


def test_the_noise_follows_from_seed_epoch_and_rank() -> None:
    """Equal arguments drop the same values, any other argument drops others."""
    assert torch.equal(dropped(0, 1, 0), dropped(0, 1, 0))
    assert not any(torch.equal(dropped(0, 1, 0), dropped(*other)) for other in ((1, 1, 0), (0, 2, 0), (0, 1, 1)))


def test_nothing_is_dropped_outside_training() -> None:
    """In evaluation mode values pass unchanged."""
    model = nn.Sequential(nn.Dropout(0.25))
    replace_dropouts(model, DropoutNoise())
    assert torch.equal(model.eval()(torch.ones(100)), torch.ones(100))
