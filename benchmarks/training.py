"""Measures LoRA training of the causal family against TRL's `SFTTrainer`, on the same examples.

Run `python -m benchmarks.training` after `make setup-causal` (`--data FILE`: JSON lines of text and label; `--rows 150 --seeds 1`
for a quick look). The two sides alternate, each run in fresh processes, with the same base, prompt, LoRA, epochs, batch, peak
learning rate, schedule, weight decay and clipping; neither stops early. SFTTrainer learns from prompt and completion with its
own loss, in bfloat16 where the processor has it, batches grouped by length, without gradient checkpointing (its default, which
only costs time here), with one thread or with all of them, whichever was faster at first. Exits 1 when a bound is missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.encoder import WARM_UP, WEIGHT_DECAY, read_splits
from ratchet.bases import resolve_base
from ratchet.calibration import UNCALIBRATED
from ratchet.candidate import Candidate
from ratchet.evaluation import macro_f1
from ratchet.identity import digest_json
from ratchet.prediction import causal_predictor, load_predictor
from ratchet.prompt import PromptPolicy, make_prompt
from ratchet.prompt_tokenizer import load_prompt_tokenizer
from ratchet.training.outcome import read_result
from ratchet.training.plan import Examples, TrainingPlan, prepare

MIN_RATIO = 3.0
FORWARD_AND_BACK = 4  # operations per weight and token of a LoRA step: two forward, two for the gradient of what goes in


@dataclass(frozen=True)
class Named:
    """A label of the prompt."""

    name: str
    description: str = ""


def run_ours(folder: Path, plan: TrainingPlan, splits: dict[str, Examples]) -> tuple[float, float]:
    """Samples per second of training, and macro-F1 on the test split, of the product's own training process."""
    work = prepare(folder, plan, splits["train"], splits["calibration"])
    subprocess.run([sys.executable, "-m", "ratchet.training", str(work)], check=True, capture_output=True)
    result = read_result(work)
    predictor = load_predictor(result.best_folder)
    return result.best_candidate.samples_per_second, score(predictor.logits([text for text, _ in splits["test"]]), plan, splits)


def run_sft(folder: Path, plan: TrainingPlan, splits: dict[str, Examples], threads: int) -> tuple[float, float]:
    """The same of `SFTTrainer`, in a process of its own."""
    task = folder / "sft.json"
    task.write_text(json.dumps({"plan": plan.as_json(), "splits": splits, "folder": str(folder)}))
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.training", "--sft", str(task)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
    speed, reached = json.loads(done.stdout.splitlines()[-1])
    return speed, reached


def score(logits: "np.ndarray[tuple[int, int], np.dtype[np.float64]]", plan: TrainingPlan, splits: dict[str, Examples]) -> float:
    """Macro-F1 of logits [n, k] on the test split."""
    truth = np.array([plan.labels.index(label) for _, label in splits["test"]])
    return macro_f1(logits.argmax(axis=1), truth, len(plan.labels))


def train_with_sft(task: Path) -> None:
    """The other side, inside its process: prints samples per second and macro-F1 as JSON."""
    import torch
    from datasets import Dataset
    from peft import LoraConfig
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from trl import SFTConfig, SFTTrainer

    from ratchet.training.lora import fast_dtype
    from ratchet.training.targets import resolve_targets

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
        gradient_checkpointing=False,
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
    found = causal_predictor(merged, plan.labels, UNCALIBRATED, tokenizer).logits([text for text, _ in splits["test"]])
    print(json.dumps([len(rows) * candidate.epochs / seconds, score(found, plan, splits)]))


def measure_peak() -> float:
    """Matrix products of this machine in the fast format, one thread, FLOP/s: the best of some, at the size of a layer."""
    import torch

    from ratchet.training.lora import fast_dtype

    torch.set_num_threads(1)
    a, b = (torch.randn(shape).to(fast_dtype()) for shape in ((2048, 2048), (2048, 2048)))
    best = float("inf")
    for _ in range(10):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return float(2 * 2048**3 / best)


def needed_per_example(plan: TrainingPlan, splits: dict[str, Examples]) -> float:
    """Operations of one training example as stock training counts them: every weight of the layers, every token of its prompt."""
    from ratchet.causal import empty_causal

    base, prompt = resolve_base(plan.candidates[0].base), plan.prompt
    assert prompt is not None  # noqa: S101 - the plan of this benchmark
    tokenizer = load_prompt_tokenizer(base.folder, prompt, plan.candidates[0].max_tokens)
    tokens = [len(row.ids) + len(tokenizer.prefix) for row in tokenizer.encode_batch_fast([text for text, _ in splits["train"]])]
    weights = sum(
        value.numel() for name, value in empty_causal(base.folder).named_parameters() if value.ndim == 2 and "embed" not in name
    )
    return FORWARD_AND_BACK * weights * statistics.mean(tokens)


def compare(splits: dict[str, Examples], base_name: str, seeds: int, epochs: int, rate: float) -> bool:
    """Run both sides in turn for each seed, print the table, and say whether the bounds hold."""
    labels = tuple(sorted({label for _, label in splits["train"]}))
    prompt = make_prompt(PromptPolicy(), [Named(label) for label in labels])
    figures: dict[str, list[tuple[float, float]]] = {"ratchet": [], "SFTTrainer": []}
    base, threads = resolve_base(base_name), 0
    print(f"{len(splits['train'])} examples, {epochs} epochs, {base.name}, {os.cpu_count()} cores")
    print(f"{'side':12}{'seed':>6}{'samples/s':>12}{'macro-F1':>10}")
    for seed in range(seeds):
        candidate = Candidate(family="causal", base=base.name, seed=seed, epochs=epochs, patience=epochs, learning_rate=rate)
        plan = TrainingPlan(labels, (candidate,), {base.name: base.revision}, digest_json(splits), "benchmark", prompt)
        for side in sorted(figures, reverse=bool(seed % 2)):
            with tempfile.TemporaryDirectory() as folder:
                if side == "ratchet":
                    found = run_ours(Path(folder), plan, splits)
                elif threads:
                    found = run_sft(Path(folder), plan, splits, threads)
                else:
                    tries = {count: run_sft(Path(folder), plan, splits, count) for count in (1, os.cpu_count() or 1)}
                    threads = max(tries, key=lambda count: tries[count][0])
                    found = tries[threads]
                    print(f"SFTTrainer with {threads} threads (of {', '.join(f'{c}: {s:.1f}/s' for c, (s, _) in tries.items())})")
            figures[side].append(found)
            print(f"{side:12}{seed:>6}{found[0]:>12.2f}{found[1]:>10.4f}", flush=True)
    speed = {side: statistics.median(speed for speed, _ in runs) for side, runs in figures.items()}
    scores = {side: [reached for _, reached in runs] for side, runs in figures.items()}
    spread = max(max(runs) - min(runs) for runs in scores.values())
    gap = statistics.mean(scores["SFTTrainer"]) - statistics.mean(scores["ratchet"])
    ratio = speed["ratchet"] / speed["SFTTrainer"]
    needed, peak = needed_per_example(plan, splits), measure_peak()
    print(f"matrix products {peak / 1e9:.0f} GFLOP/s a core; what whole prompts would need, of two cores' peak: ", end="")
    print(", ".join(f"{side} {found * needed / (2 * peak):.0%}" for side, found in speed.items()))
    print(f"ratio of median samples/s {ratio:.2f} (at least {MIN_RATIO})")
    print(f"macro-F1 lost {gap:+.4f} (at most the spread of the seeds {spread:.4f})")
    return ratio >= MIN_RATIO and gap <= spread


def main() -> int:
    """Exit code 0 when both bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="JSON lines with text and label")
    parser.add_argument("--base", default="SmolLM2-135M")
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--sft", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sft is not None:
        train_with_sft(options.sft)
        return 0
    splits = read_splits(options.data, options.rows)
    return 0 if compare(splits, options.base, options.seeds, options.epochs, options.learning_rate) else 1


if __name__ == "__main__":
    sys.exit(main())
