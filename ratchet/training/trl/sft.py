"""Supervised fine-tuning by TRL's `SFTTrainer`: a causal model learns to write the code of the label after the prompt.

Its loss is over the whole vocabulary, where our own loop asks for the label tokens only
(`ratchet/training/native/causal_model.py`): slower, and what many know. It learns from prompt and completion as tokens,
cut by the code that serves. Add here what is particular to this trainer; what it shares with others of TRL is
`trainer_setup.py`.
"""

import shutil
from collections.abc import Callable, Sequence
from typing import Any

from ratchet.core.blocked_imports import hidden
from ratchet.models.adapters.peft_format import LoraSettings
from ratchet.models.causal import check_scores, load_causal
from ratchet.models.prompt_tokenizer import PromptTokenizer
from ratchet.models.tokenization import encode_texts
from ratchet.training.device import fast_dtype, learning_device
from ratchet.training.history import Epoch, History, Tensors, ValidationMetrics
from ratchet.training.native.causal_model import causal_settings
from ratchet.training.native.model_setup import count_parameters, lora_config
from ratchet.training.quantization import load_quantised
from ratchet.training.supervision.watchdog import heartbeat
from ratchet.training.task import Task
from ratchet.training.trl.trainer_setup import EpochCallback, ScheduleMixin, quiet_trainer, run_watched, stock_arguments

Evaluate = Callable[[LoraSettings | None, Tensors], ValidationMetrics]


def prompt_completions(
    tokenizer: PromptTokenizer, texts: Sequence[str], targets: Sequence[int]
) -> list[dict[str, Any]]:
    """Each text's prompt and, as completion, the code of its label, as tokens: `input_ids`, and a `completion_mask` of
    0 and 1.

    This is the form in which TRL takes prompt and completion that were cut into tokens already; the cutting is that of
    serving, so that training and serving see the same tokens.
    """
    prompts = [[*tokenizer.prefix, *row] for row in encode_texts(tokenizer, texts)]
    return [
        {"input_ids": [*prompt, tokenizer.codes[target]], "completion_mask": [0] * len(prompt) + [1]}
        for prompt, target in zip(prompts, targets, strict=True)
    ]


@hidden(
    "bitsandbytes"
    # peft would import it, seconds and 50 MB for nothing, unless it was asked for before
    # (`ratchet/training/quantization.py`)
)
def train_with_sft(
    task: Task, tokenizer: PromptTokenizer, evaluate: Evaluate, report: Callable[[Epoch], None]
) -> tuple[LoraSettings | None, "Tensors", History, float]:
    """Train a causal candidate; its settings, the best epoch's tensors, the history, and the share of parameters that
    learned.

    There are no settings when every weight learned. Raises `RatchetError` for unknown targets, for a base that scores
    its tokens in a way that is not known here, and for a loss that is no number.
    """
    import torch

    candidate, output = task.candidate, task.folder / "sft"
    torch.manual_seed(candidate.seed)
    with quiet_trainer():
        from transformers import AutoTokenizer
        from trl import SFTConfig, SFTTrainer

        class ScheduledTrainer(ScheduleMixin, SFTTrainer):  # type: ignore[misc] # trl is untyped
            """TRL's trainer at the rates of our own loop."""

        model = _load_base(task)
        check_scores(model, tokenizer.prefix, tokenizer.encode_batch_fast(["one text"])[0].ids, tokenizer.codes)
        heartbeat()
        settings = None if candidate.method == "full" else causal_settings(model, task.base.name, candidate)
        arguments = stock_arguments(candidate, len(task.train), output, task.room)
        trainer = ScheduledTrainer(
            model=model,
            args=SFTConfig(**arguments, completion_only_loss=True, max_length=None),
            train_dataset=_as_dataset(prompt_completions(tokenizer, [text for text, _ in task.train], task.targets)),
            processing_class=AutoTokenizer.from_pretrained(
                task.base.folder, local_files_only=True, trust_remote_code=False
            ),
            peft_config=lora_config(settings) if settings else None,
        )
        learned = [value for value in trainer.model.parameters() if value.requires_grad]
        for value in learned:
            value.data = value.data.float()  # beside four bits TRL makes it bfloat16, which loses small steps
        watch = EpochCallback(
            candidate, task.room, task.checkpoints, lambda tensors: evaluate(settings, tensors), report
        )
        tensors, history = run_watched(trainer, watch)
    shutil.rmtree(output, ignore_errors=True)
    return settings, tensors, history, sum(value.numel() for value in learned) / count_parameters(trainer.model)


def _load_base(task: Task) -> Any:
    """The base as the method wants it: in four bits; in full numbers, of which `SFTTrainer` computes in shorter ones;
    or short."""
    import torch

    if task.candidate.method == "qlora":
        return load_quantised(task.base.folder)
    dtype = torch.float32 if task.candidate.method == "full" else fast_dtype()
    # fused attention is many times slower backwards on a CPU
    attention = "eager" if learning_device().type == "cpu" else None
    return load_causal(task.base.folder, str(dtype).removeprefix("torch."), attention=attention)


def _as_dataset(rows: Sequence[dict[str, Any]]) -> Any:
    from datasets import Dataset

    return Dataset.from_list(list(rows))
