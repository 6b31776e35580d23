"""TRL's `SFTTrainer` as a user would run it, in a process of its own: the other side of `benchmarks/training.py`.

Run as `python -m benchmarks.sft_side TASK.json`; prints samples per second and macro-F1 as JSON. Add here settings of
stock training.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.encoder import WARM_UP, WEIGHT_DECAY
from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.metrics.classification import macro_f1
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import causal_predictor
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.training.plan import Examples, TrainingPlan


def score(
    logits: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", plan: TrainingPlan, splits: dict[str, Examples]
) -> float:
    """Return the macro-F1 of logits [n, k] on the test split."""
    truth = np.array([plan.labels.index(label) for _, label in splits["test"]])
    return macro_f1(logits.argmax(axis=1), truth, len(plan.labels))


def train_with_sft(task: Path) -> None:
    """Train as the task describes; print samples per second and macro-F1 as JSON."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from ratchet.training.device import fast_dtype
    from ratchet.training.target_modules import resolve_targets

    content = json.loads(task.read_text())
    plan, splits = TrainingPlan.from_json(content["plan"]), content["splits"]
    candidate, base, prompt = plan.candidates[0], resolve_base(plan.candidates[0].base), plan.prompt
    assert prompt is not None  # noqa: S101 - the plan of this benchmark
    dtype = fast_dtype()
    model = AutoModelForCausalLM.from_pretrained(base.folder, dtype=dtype)
    rows = [
        {"prompt": prompt.render(text.strip()), "completion": prompt.codes[plan.labels.index(label)]}
        for text, label in splits["train"]
    ]
    arguments = SFTConfig(
        output_dir=content["folder"] + "/sft",
        num_train_epochs=candidate.epochs,
        per_device_train_batch_size=candidate.batch_of(len(rows)),
        learning_rate=candidate.learning_rate,
        warmup_steps=WARM_UP,
        weight_decay=WEIGHT_DECAY,
        lr_scheduler_type="linear",
        seed=candidate.seed,
        bf16=dtype == torch.bfloat16,
        train_sampling_strategy="group_by_length",
        gradient_checkpointing=False,  # on by default in TRL, where it only costs time here
        save_strategy="no",
        report_to="none",
        use_cpu=True,
    )
    lora = LoraConfig(
        task_type="CAUSAL_LM",
        r=candidate.rank,
        lora_alpha=candidate.alpha,
        lora_dropout=candidate.dropout,
        target_modules=list(resolve_targets(model, candidate.target_modules, (), candidate.layers).modules),
    )
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        processing_class=AutoTokenizer.from_pretrained(base.folder),
        peft_config=lora,
    )
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    merged = trainer.model.merge_and_unload().float().eval()
    tokenizer = load_prompt_tokenizer(base.folder, prompt, candidate.max_tokens)
    logits = causal_predictor(merged, plan.labels, UNCALIBRATED, tokenizer).logits([text for text, _ in splits["test"]])
    print(json.dumps([len(rows) * candidate.epochs / seconds, score(logits, plan, splits)]))


if __name__ == "__main__":
    train_with_sft(Path(sys.argv[1]))
