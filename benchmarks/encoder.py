"""Measure LoRA training of the encoder against `transformers.Trainer` at its defaults, on the same examples.

Run `python -m benchmarks.encoder` (`--data FILE` reads JSON lines of text and label; `--rows 600 --seeds 1` for a quick
look). The two sides alternate, each run in fresh processes. Both get the same base, LoRA, head, epochs, batch, peak
learning rate, linear schedule with warm-up, weight decay and clipping; neither stops early. Trainer keeps its own
defaults in everything else: float32, its threads, random batches, its optimiser, its collator's padding. Exits 1 when a
bound is missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ratchet.config.candidate import Candidate
from ratchet.core.digests import digest_json
from ratchet.metrics.classification import macro_f1
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.training.plan import Examples, TrainingPlan, prepare
from ratchet.training.result import read_result

MIN_RATIO = 2.5
MAX_LOSS = 0.005  # of macro-F1, beyond the spread of the seeds: allowance for another order of rounding
WARM_UP, WEIGHT_DECAY = 0.1, 0.01

SUBJECTS = {
    "card_delivery": ("my card has not arrived", "the new card got lost in the post", "track my card"),
    "card_problem": ("my card is declined", "the machine kept my card", "the chip does not work"),
    "exchange_rate": ("the exchange rate is wrong", "which rate applies to euros", "the conversion was too dear"),
    "fees": ("why was I charged extra", "there is a fee on my statement", "a charge I do not know"),
    "refunds": ("I want my money back", "where is my refund", "the shop returned the amount"),
    "transfers": ("my transfer is pending", "the money did not reach my friend", "cancel a transfer"),
    "top_up": ("my top up failed", "how do I add money", "the top up was reverted"),
    "identity": ("verify who I am", "my passport is not accepted", "why do you need my documents"),
}
OPENERS = ("hello", "hi there", "please help", "I wrote before", "good morning", "this is urgent", "one question")
ASIDES = (
    "I looked in the app and found nothing",
    "it worked last week",
    "your colleague could not tell me",
    "I am travelling at the moment",
    "this happened twice now",
    "please answer soon because I need it for my rent",
    "I already tried to restart everything",
)


def make_examples(rows: int, seed: int, names: Sequence[str] = tuple(SUBJECTS), wrong_share: float = 0.05) -> Examples:
    """Return support messages of 3 to 60 words about `names`, most of them short; one label in twenty is wrong."""
    random = np.random.default_rng(seed)
    examples = []
    for _ in range(rows):
        label = names[int(random.integers(len(names)))]
        asides = [ASIDES[i] for i in random.integers(len(ASIDES), size=min(7, random.geometric(0.5) - 1))]
        core = SUBJECTS[label][int(random.integers(3))]
        opener = [OPENERS[int(random.integers(len(OPENERS)))]] if random.random() < 0.5 else []
        wrong = random.random() < wrong_share
        text = ", ".join([*opener, *random.permutation([core, *asides])])
        examples.append((text, names[int(random.integers(len(names)))] if wrong else label))
    return examples


def run_ours(folder: Path, plan: TrainingPlan, splits: dict[str, Examples]) -> tuple[float, float]:
    """Return samples per second, and macro-F1 on the test split, of the product's own training process."""
    work = prepare(folder, plan, splits["train"], splits["calibration"])
    subprocess.run([sys.executable, "-m", "ratchet.training", str(work)], check=True, capture_output=True)
    result = read_result(work)
    predictor = load_predictor(result.best_folder)
    found = predictor.logits([text for text, _ in splits["test"]]).argmax(axis=1)
    truth = np.array([plan.labels.index(label) for _, label in splits["test"]])
    return result.best_candidate.samples_per_second, macro_f1(found, truth, len(plan.labels))


def run_trainer(folder: Path, plan: TrainingPlan, splits: dict[str, Examples]) -> tuple[float, float]:
    """Return the same figures of `transformers.Trainer`, in a process of its own with the environment as it is."""
    task = folder / "trainer.json"
    task.write_text(json.dumps({"plan": plan.as_json(), "splits": splits, "folder": str(folder)}))
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.encoder", "--trainer", str(task)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    speed, score = json.loads(done.stdout.splitlines()[-1])
    return speed, score


def train_with_trainer(task: Path) -> None:
    """Train with `transformers.Trainer` in this process and print samples per second and macro-F1 as JSON."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoTokenizer, DataCollatorWithPadding, Trainer, TrainingArguments

    from ratchet.models.encoders import load_classifier_with_info
    from ratchet.training.target_modules import resolve_targets

    content = json.loads(task.read_text())
    plan = TrainingPlan.from_json(content["plan"])
    candidate, base = plan.candidates[0], resolve_base(plan.candidates[0].base)
    torch.manual_seed(candidate.seed)
    model, missing = load_classifier_with_info(base.folder, len(plan.labels))
    targets = resolve_targets(model, candidate.target_modules, missing)
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=candidate.rank,
        lora_alpha=candidate.alpha,
        lora_dropout=candidate.dropout,
        target_modules=list(targets.modules),
        modules_to_save=list(targets.heads),
    )
    tokenizer = AutoTokenizer.from_pretrained(base.folder)
    rows = {
        split: [
            {
                **tokenizer(text.strip(), truncation=True, max_length=candidate.max_tokens),
                "labels": plan.labels.index(label),
            }
            for text, label in examples
        ]
        for split, examples in content["splits"].items()
    }
    arguments = TrainingArguments(
        output_dir=content["folder"] + "/trainer",
        num_train_epochs=candidate.epochs,
        per_device_train_batch_size=candidate.batch_of(len(rows["train"])),
        learning_rate=candidate.learning_rate,
        warmup_steps=WARM_UP,
        weight_decay=WEIGHT_DECAY,
        seed=candidate.seed,
        save_strategy="no",
        use_cpu=True,
    )
    trainer = Trainer(
        model=get_peft_model(model, config),
        args=arguments,
        train_dataset=rows["train"],
        data_collator=DataCollatorWithPadding(tokenizer),
    )
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    predicted = trainer.predict(rows["test"]).predictions.argmax(axis=1)
    truth = np.array([row["labels"] for row in rows["test"]])
    score = macro_f1(predicted, truth, len(plan.labels))
    print(json.dumps([len(rows["train"]) * candidate.epochs / seconds, score]))


def read_splits(data: Path | None, rows: int) -> dict[str, Examples]:
    """Return train, calibration and test as 80, 5 and 15 % of the examples, in order."""
    if data is None:
        examples = make_examples(rows, seed=0)
    else:
        lines = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
        examples = [(row["text"], row["label"]) for row in lines][:rows]
    first, second = int(0.8 * len(examples)), int(0.85 * len(examples))
    return {"train": examples[:first], "calibration": examples[first:second], "test": examples[second:]}


def compare(splits: dict[str, Examples], seeds: int, epochs: int) -> bool:
    """Run both sides in turn for each seed and print the table; return True when the bounds hold."""
    labels = tuple(sorted({label for _, label in splits["train"]}))
    sides = {"ratchet": run_ours, "Trainer": run_trainer}
    figures: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    print(f"{len(splits['train'])} examples, {epochs} epochs, {os.cpu_count()} cores")
    print(f"{'side':10}{'seed':>6}{'samples/s':>12}{'macro-F1':>10}")
    for seed in range(seeds):
        # The first side of each round changes, so that load on the machine that comes and goes hits both.
        for side in sorted(sides, reverse=bool(seed % 2)):
            candidate = Candidate(seed=seed, epochs=epochs, patience=epochs)
            base = resolve_base(candidate.base)
            plan = TrainingPlan(labels, (candidate,), {base.name: base.revision}, digest_json(splits), "benchmark")
            with tempfile.TemporaryDirectory() as folder:
                figures[side].append(sides[side](Path(folder), plan, splits))
            print(f"{side:10}{seed:>6}{figures[side][-1][0]:>12.1f}{figures[side][-1][1]:>10.4f}", flush=True)
    speed = {side: statistics.median(speed for speed, _ in runs) for side, runs in figures.items()}
    scores = {side: [score for _, score in runs] for side, runs in figures.items()}
    spread = max(max(runs) - min(runs) for runs in scores.values())
    gap = statistics.mean(scores["Trainer"]) - statistics.mean(scores["ratchet"])
    ratio = speed["ratchet"] / speed["Trainer"]
    print(f"ratio of median samples/s {ratio:.2f} (at least {MIN_RATIO})")
    print(f"macro-F1 lost {gap:+.4f} (at most the spread of the seeds {spread:.4f} + {MAX_LOSS})")
    return ratio >= MIN_RATIO and gap <= spread + MAX_LOSS


def main() -> int:
    """Run the benchmark; return 0 when both bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="JSON lines with text and label")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--trainer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.trainer is not None:
        train_with_trainer(options.trainer)
        return 0
    return 0 if compare(read_splits(options.data, options.rows), options.seeds, options.epochs) else 1


if __name__ == "__main__":
    sys.exit(main())
