"""T11: random defects in cards, settings and headers are refused or harmless: nothing crashes, nothing takes a
second."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratchet.models.adapters import format as adapter_format
from ratchet.models.adapters import peft_format as adapter_weights
from ratchet.models.adapters import safetensors_header as adapter_header
from ratchet.models.base_models import resolve_base
from ratchet.testing.adapters import fuzzing as mutated_adapters
from ratchet.testing.adapters.fuzzing import BadMutantError, Tally, try_mutants, try_mutated_folders
from ratchet.testing.tiny_adapter import write_tiny_adapter


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """An adapter of random weights, unsealed."""
    return write_tiny_adapter(
        tmp_path_factory.mktemp("good") / "a", resolve_base(str(tiny_base)), ("card", "money", "rate")
    )


PARTS = {"adapter_config.json", "causal card", "ratchet.json", "the header of the weights"}
FILES = {"adapter_config.json", "adapter_model.safetensors", "ratchet.json"}


def look(tally: Tally, trials: int, parts: set[str]) -> None:
    """All were judged, some of each part were refused, some mutants were accepted, none took a second."""
    assert tally.trials == trials
    assert tally.slowest < 1
    assert set(tally.refused) == parts
    assert set(tally.accepted) <= parts
    assert tally.accepted.total() > trials / 1000


def test_random_defects_are_refused_or_harmless(good: Path) -> None:
    """A crash would name the mutant; one that is accepted is read by safetensors and PEFT's settings as it was
    judged."""
    look(try_mutants(good, 6_000, seed=1), 6_000, PARTS)


def test_folders_with_random_defects_are_refused_or_open(good: Path, tmp_path: Path) -> None:
    """The same through the whole way from the disk to a model's skeleton."""
    look(try_mutated_folders(good, tmp_path / "mutant", 150, seed=2), 150, FILES)


@pytest.mark.faults
def test_random_defects_are_refused_or_harmless_many_times(
    good: Path, tmp_path: Path, planned: Callable[[str, int], int]
) -> None:
    """T11 in full with RATCHET_TRIALS="M=1000000"; a hundredth as many whole folders."""
    mutants, seed = planned("M", 1), int(os.environ.get("RATCHET_SEED", "3"))
    parts = try_mutants(good, mutants, seed)
    folders = try_mutated_folders(good, tmp_path / "mutant", mutants // 100, seed)
    look(parts, mutants, PARTS)
    look(folders, mutants // 100, FILES)
    for tally in (parts, folders):
        print(f"{tally.trials} tried, {tally.accepted.total()} harmless, slowest {tally.slowest:.3f} s")  # noqa: T201 - the figure


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        (adapter_weights, "1 <= self.rank <= MAX_RANK", "self.rank <= MAX_RANK"),
        (adapter_weights, "if not isinstance(name, str) or not all", "if not all"),
        (adapter_header, "except (ValueError, RecursionError)", "except KeyError"),
        (adapter_format, "isinstance(self.method, str) and self.method in", "self.method in"),
    ],
)
def test_a_judge_with_a_gap_is_found_out(
    good: Path, plant: Callable[..., Any], module: Any, old: str, new: str
) -> None:
    """T11's mutants: a bound less, a type less, an error less."""
    mutant = plant(module, old, new)
    whole = plant(mutated_adapters, f"from {module.__name__} import", f"from {mutant.__name__} import")
    with pytest.raises(AssertionError) as caught:
        whole.try_mutants(good, 6_000, seed=1)
    assert type(caught.value).__name__ == BadMutantError.__name__
