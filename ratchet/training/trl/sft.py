"""Supervised fine-tuning by TRL's `SFTTrainer`: a causal model learns to write the code of the label after the prompt.

Its loss is over the whole vocabulary, that of our own loop over the label tokens only
(`ratchet/training/native/causal_model.py`); it is slower, and widely known. Prompt and completion are tokenised by the
serving code. Add here what is particular to this trainer; what it shares with TRL's others is in `trainer_setup.py`.
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
    """Tokens of each text's prompt and of its label's code: `input_ids`, and a `completion_mask` of 0 and 1.

    TRL takes tokenised prompts and completions in this form. They are tokenised as in serving, so that training and
    serving see the same tokens.
    """
    prompts = [[*tokenizer.prefix, *row] for row in encode_texts(tokenizer, texts)]
    return [
        {"input_ids": [*prompt, tokenizer.codes[target]], "completion_mask": [0] * len(prompt) + [1]}
        for prompt, target in zip(prompts, targets, strict=True)
    ]


@hidden(
    "bitsandbytes"
    # peft would import it, at seconds and 50 MB, although only `ratchet/training/quantization.py` needs it
)
def train_with_sft(
    task: Task, tokenizer: PromptTokenizer, evaluate: Evaluate, report: Callable[[Epoch], None]
) -> tuple[LoraSettings | None, "Tensors", History, float]:
    """Train a causal candidate; return its settings, the best epoch's tensors, the history and the trainable share.

    The settings are None where every weight learned. Raises `RatchetError` for unknown targets, for a base that scores
    its tokens in an unknown way, and for a loss that is not finite.
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
            value.data = value.data.float()  # TRL makes adapters of a quantised base bfloat16, which loses small steps
        watch = EpochCallback(
            candidate, task.room, task.checkpoints, lambda tensors: evaluate(settings, tensors), report
        )
        tensors, history = run_watched(trainer, watch)
    shutil.rmtree(output, ignore_errors=True)
    return settings, tensors, history, sum(value.numel() for value in learned) / count_parameters(trainer.model)


def _load_base(task: Task) -> Any:
    """Load the base in four bits (`qlora`), float32 (`full`: `SFTTrainer` uses autocast) or the fast format."""
    import torch

    if task.candidate.method == "qlora":
        return load_quantised(task.base.folder)
    dtype = torch.float32 if task.candidate.method == "full" else fast_dtype()
    # the backward pass of fused attention is many times slower on a CPU
    attention = "eager" if learning_device().type == "cpu" else None
    return load_causal(task.base.folder, str(dtype).removeprefix("torch."), attention=attention)


def _as_dataset(rows: Sequence[dict[str, Any]]) -> Any:
    from datasets import Dataset

    return Dataset.from_list(list(rows))
