"""Preference pass: a causal LoRA of our own loop learns, by TRL's `DPOTrainer`, to prefer the right codes.

Pairs are mined from the training examples alone: where the first pass is wrong, or right by a small margin, the right
code is chosen and the strongest other code is rejected. The reference is the LoRA before the pass; the outcome is one
LoRA again. Add here how pairs are mined and learned from; `dpo_pass.py` decides if the outcome is kept, and
`trainer_setup.py` has what stock trainers share.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from ratchet.config.candidate import Candidate
from ratchet.core.blocked_imports import hidden
from ratchet.core.files import write_json
from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import Floats
from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.causal import load_causal
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.models.tokenization import encode_texts
from ratchet.training.checkpoints import load_last_epoch
from ratchet.training.device import fast_dtype
from ratchet.training.history import Epoch, History, Tensors, ValidationMetrics
from ratchet.training.native.model_setup import lora_config
from ratchet.training.native.trainable_model import class_weights
from ratchet.training.task import Task
from ratchet.training.trl.trainer_setup import EpochCallback, ScheduleMixin, quiet_trainer, run_watched, stock_arguments
from ratchet.training.trl.trainer_state import put_tensors
from ratchet.training.trl.weighted_sampler import WeightedSampler

FEWEST_PAIRS = 8
"""Fewest pairs of a pass; below it the first pass already knows its training examples."""
_CLOSE = 0.2
"""Margin of probability: a right answer that is ahead of its nearest rival by at most this makes a pair, too."""
_SECOND = "second"
"""Subfolder of the pass's own epochs, in the folder of the first pass's epochs."""
_PAIRS = "pairs.json"


@dataclass(frozen=True)
class Pair:
    """One training example with the class to prefer and the class to avoid."""

    row: int
    chosen: int
    rejected: int


def mine_pairs(logits: Floats, targets: Sequence[int]) -> list[Pair]:
    """Mine pairs from the first pass's logits [n, k] for training examples of the classes `targets` [n]."""
    probabilities = softmax(logits)
    pairs = []
    for row, target in enumerate(targets):
        others = probabilities[row].copy()
        others[target] = -1.0
        rival = int(others.argmax())
        if probabilities[row, target] - probabilities[row, rival] <= _CLOSE:
            pairs.append(Pair(row, target, rival))
    return pairs


def keep_pairs(folder: Path, mine: Callable[[], list[Pair]]) -> list[Pair]:
    """Read the pairs of a folder; without any, store those of `mine` there, for a pass that is killed and resumed."""
    path = folder / _PAIRS
    if not path.is_file():
        write_json(path, [astuple(pair) for pair in mine()])
    return [Pair(*pair) for pair in json.loads(path.read_bytes())]


def as_rows(tokenizer: PromptTokenizer, texts: Sequence[str], pairs: Sequence[Pair]) -> list[dict[str, list[int]]]:
    """Tokenise the pairs by the serving code into TRL's columns, with one token per answer."""
    rows = encode_texts(tokenizer, [texts[pair.row] for pair in pairs])
    return [
        {
            "prompt_ids": [*tokenizer.prefix, *row],
            "chosen_ids": [tokenizer.codes[pair.chosen]],
            "rejected_ids": [tokenizer.codes[pair.rejected]],
        }
        for row, pair in zip(rows, pairs, strict=True)
    ]


@hidden("bitsandbytes")  # peft would import it, at seconds and 50 MB; no base is quantised here
def train_dpo(
    task: Task,
    tokenizer: PromptTokenizer,
    settings: LoraSettings,
    first: "Tensors",
    pairs: Sequence[Pair],
    evaluate: Callable[[Tensors], ValidationMetrics],
    report: Callable[[Epoch], None],
) -> "tuple[Tensors, History]":
    """Train the LoRA `first` further on `pairs`; return the tensors of the pass's best epoch, and its history."""
    import torch

    passing = pass_of(task.candidate)
    epochs = task.checkpoints / _SECOND
    order = WeightedSampler(
        pair_weights(pairs, task.targets, len(task.plan.labels)), passing.seed, len(load_last_epoch(epochs)[0].epochs)
    )
    torch.manual_seed(passing.seed)
    with quiet_trainer():
        from datasets import Dataset
        from peft import get_peft_model
        from transformers import AutoTokenizer
        from trl import DPOConfig, DPOTrainer

        class TokenTrainer(ScheduleMixin, DPOTrainer):  # type: ignore[misc] # trl is untyped
            """TRL's trainer on rows that are tokenised already; it would tokenise texts in its own way."""

            def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
                return dataset

            def _get_train_sampler(self, *_: Any) -> Any:
                return order

        # the backward pass of fused attention is many times slower on a CPU
        attention = None if torch.cuda.is_available() else "eager"
        base = load_causal(task.base.folder, str(fast_dtype()).removeprefix("torch."), attention=attention)
        model = get_peft_model(base, lora_config(settings))
        put_tensors(model, first)
        output = task.folder / "dpo"
        arguments = stock_arguments(passing, len(pairs), output, task.room)
        arguments["train_sampling_strategy"] = "random"  # replaced by `order`: pairs have no single length to sort by
        trainer = TokenTrainer(
            model=model,
            args=DPOConfig(**arguments, beta=passing.beta, max_length=None),
            train_dataset=Dataset.from_list(as_rows(tokenizer, [text for text, _ in task.train], pairs)),
            processing_class=AutoTokenizer.from_pretrained(
                task.base.folder, local_files_only=True, trust_remote_code=False
            ),
        )
        watch = EpochCallback(passing, task.room, epochs, evaluate, report)
        tensors, history = run_watched(trainer, watch)
    shutil.rmtree(output, ignore_errors=True)
    return tensors, history


def pair_weights(pairs: Sequence[Pair], targets: Sequence[int], k: int) -> list[float]:
    """Weights of the pairs, those of their right classes in the first pass, so that rare classes are not outvoted."""
    import torch

    weights = class_weights(torch.tensor(targets), k)
    return [float(weights[pair.chosen]) for pair in pairs]


def pass_of(candidate: Candidate) -> Candidate:
    """Settings of a candidate with `epochs` and `learning_rate` replaced by those of the preference pass."""
    return replace(candidate, epochs=candidate.pass_epochs, learning_rate=candidate.pass_rate)
