"""The head of a LoRA candidate begins as a regression on the untuned encoder, not at random."""

from pathlib import Path

import pytest
import torch

from ratchet.config.candidate import Candidate
from ratchet.models.token_batches import pad_batch
from ratchet.models.tokenization import encode_texts, load_tokenizer
from ratchet.training.native.head_init import init_head
from ratchet.training.native.model_setup import build_encoder_model
from ratchet.training.native.trainable_model import TrainableModel

Rows = list[list[int]]


@pytest.fixture(scope="module")
def lesson(tiny_base: Path, examples: dict[str, list[tuple[str, str]]]) -> tuple[Rows, list[int]]:
    """Token ids and class indices of the training examples."""
    labels = sorted({label for _, label in examples["train"]})
    rows = encode_texts(load_tokenizer(tiny_base, 32), [text for text, _ in examples["train"]])
    return rows, [labels.index(label) for _, label in examples["train"]]


def build(tiny_base: Path) -> TrainableModel:
    """A fresh trainee of three classes."""
    candidate = Candidate(base=str(tiny_base), rank=2, alpha=4.0, max_tokens=32)
    return build_encoder_model(tiny_base, str(tiny_base), candidate, 3, torch.float32)


def accuracy(trainee: TrainableModel, rows: Rows, targets: list[int]) -> float:
    """Share of the examples that the model answers rightly."""
    ids, mask = pad_batch(rows, trainee.pad_id)
    trainee.model.eval()
    with torch.no_grad():
        logits = trainee.model(input_ids=ids, attention_mask=mask).logits
    return float((logits.argmax(dim=1) == torch.tensor(targets)).float().mean())


def test_a_started_head_knows_the_classes_before_the_first_step(
    tiny_base: Path, lesson: tuple[Rows, list[int]]
) -> None:
    """The random head is near chance; the started one is far better, although the tiny encoder is random itself."""
    rows, targets = lesson
    trainee = build(tiny_base)
    before = accuracy(trainee, rows, targets)
    assert init_head(trainee, rows, targets, 3, seed=0)
    assert accuracy(trainee, rows, targets) >= before + 0.25


def test_both_processes_of_a_pair_begin_alike(tiny_base: Path, lesson: tuple[Rows, list[int]]) -> None:
    """The same arguments give the same numbers, bit by bit."""
    first, second = build(tiny_base), build(tiny_base)
    for trainee in (first, second):
        init_head(trainee, *lesson, 3, seed=0)
    assert torch.equal(first.flat, second.flat)


def test_only_the_last_layer_is_moved(tiny_base: Path, lesson: tuple[Rows, list[int]]) -> None:
    """LoRA layers and other heads keep their start."""
    started, random = build(tiny_base), build(tiny_base)
    init_head(started, *lesson, 3, seed=0)
    moved = {name for name, value in started.tensors().items() if not torch.equal(value, random.tensors()[name])}
    assert len(moved) == 2
    assert all("classifier" in name for name in moved)


def test_a_head_of_another_size_is_left_alone(tiny_base: Path, lesson: tuple[Rows, list[int]]) -> None:
    """Where no layer has that many outputs nothing is done, and it is said."""
    assert not init_head(build(tiny_base), *lesson, 7, seed=0)
