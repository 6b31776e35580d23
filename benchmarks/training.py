"""Measure LoRA training of the causal family against TRL's `SFTTrainer`, on the same examples.

Run `python -m benchmarks.training` after `make setup-causal` (`--data FILE`: JSON lines of text and label; `--train 32
--test 24 --seeds 1 --epochs 1` to see that it runs). The sides alternate, each run in fresh processes, with the same
base, prompt, examples, LoRA, epochs, batch, schedule, weight decay and clipping; none stops early. The peak learning
rate is the same, except for the upper layers (`--upper-learning-rate`): a third of the layers needs about three times
the rate of all. SFTTrainer learns from prompt and completion with its own loss, in bfloat16 where the processor has it,
batches grouped by length, without gradient checkpointing (its default, which only costs time here), with one thread or
with all of them, whichever was faster in a short trial. Ours are LoRA on every layer, and on the upper ones
(`--layers`), whose pass through the lower layers counts as training. Exits 1 when a bound of LoRA on every layer is
missed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.encoder import make_examples
from benchmarks.sft_side import score
from ratchet.config.candidate import Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.core.digests import digest_json
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.layers import lower_count
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.training.plan import Examples, TrainingPlan, prepare
from ratchet.training.result import read_result

MIN_RATIO, AIM_OF_UPPER = 3.0, 6.0
FORWARD, FORWARD_AND_BACK = (
    2,
    4,
)  # operations per weight and token: the backward pass computes gradients of inputs, not of weights
CALIBRATION = 24
SUBJECTS = ("card_delivery", "exchange_rate", "refunds", "transfers")
SFT = "SFTTrainer"


@dataclass(frozen=True)
class Named:
    """Label of the prompt."""

    name: str
    description: str = ""


def run_ours(folder: Path, plan: TrainingPlan, splits: dict[str, Examples]) -> tuple[float, float]:
    """Return samples per second, and macro-F1 on the test split, of the product's own training process."""
    work = prepare(folder, plan, splits["train"], splits["calibration"])
    subprocess.run([sys.executable, "-m", "ratchet.training", str(work)], check=True, capture_output=True)
    result = read_result(work)
    predictor = load_predictor(result.best_folder)
    return result.best_candidate.samples_per_second, score(
        predictor.logits([text for text, _ in splits["test"]]), plan, splits
    )


def run_sft(folder: Path, plan: TrainingPlan, splits: dict[str, Examples], threads: int) -> tuple[float, float]:
    """Return the same figures of `SFTTrainer`, in a process of its own."""
    task = folder / "sft.json"
    task.write_text(json.dumps({"plan": plan.as_json(), "splits": splits, "folder": str(folder)}))
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.sft_side", str(task)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )
    speed, reached = json.loads(done.stdout.splitlines()[-1])
    return speed, reached


def measure_peak() -> float:
    """Return the FLOP/s of matrix products in the fast format on all cores: the best of 20 that fit the caches."""
    import torch

    from ratchet.training.device import fast_dtype

    torch.set_num_threads(os.cpu_count() or 1)
    a, b = (torch.randn(shape).to(fast_dtype()) for shape in ((2048, 2048), (2048, 2048)))
    best = float("inf")
    for _ in range(20):
        started = time.perf_counter()
        a @ b
        best = min(best, time.perf_counter() - started)
    return float(2 * 2048**3 / best)


def operations(plan: TrainingPlan, splits: dict[str, Examples]) -> float:
    """Return the operations in matrix products of one training example, as each side computes them.

    Padding and the low ranks are not counted. Stock training computes every token of the prompt. Ours computes the
    shared part once a step in each of two processes, and with upper layers only the lower ones once for all epochs.
    """
    from ratchet.models.causal import empty_causal

    candidate, prompt = plan.candidates[0], plan.prompt
    assert prompt is not None  # noqa: S101 - the plan of this benchmark
    base = resolve_base(candidate.base)
    tokenizer = load_prompt_tokenizer(base.folder, prompt, candidate.max_tokens)
    own = statistics.mean(len(row.ids) for row in tokenizer.encode_batch_fast([text for text, _ in splits["train"]]))
    model = empty_causal(base.folder)
    weights: int = sum(
        value.numel() for name, value in model.named_parameters() if value.ndim == 2 and "embed" not in name
    )
    if candidate.trainer == "sft":
        return FORWARD_AND_BACK * weights * (len(tokenizer.prefix) + own)
    learning: float = 1 - lower_count(model, candidate.layers) / model.config.num_hidden_layers
    tokens = own + 2 * len(tokenizer.prefix) / candidate.batch_of(len(splits["train"]))
    return weights * (FORWARD_AND_BACK * learning * tokens + FORWARD * (1 - learning) * own / candidate.epochs)


def choose_threads(plan: TrainingPlan, splits: dict[str, Examples]) -> int:
    """Return the number of threads with which SFTTrainer is faster over a few steps."""
    candidate = replace(plan.candidates[0], epochs=1)
    short = {"train": splits["train"][: 4 * candidate.batch_of(len(splits["train"]))], "test": splits["test"][:4]}
    speed = {}
    for threads in sorted({1, os.cpu_count() or 1}):
        with tempfile.TemporaryDirectory() as folder:
            speed[threads] = run_sft(Path(folder), replace(plan, candidates=(candidate,)), short, threads)[0]
    print(f"{SFT} by threads: {', '.join(f'{threads}: {rate:.2f}/s' for threads, rate in speed.items())}", flush=True)
    return max(speed, key=speed.__getitem__)


def compare(splits: dict[str, Examples], first: Candidate, upper: Candidate, seeds: int) -> bool:
    """Run the sides in turn for each seed and print the table; return True when the bounds hold."""
    labels = tuple(sorted({label for _, label in splits["train"]}))
    prompt = make_prompt(PromptPolicy(), [Named(label) for label in labels])
    base = resolve_base(first.base)
    sides = {SFT: replace(first, trainer="sft"), "all layers": first, upper.layers: upper}

    def plan_of(candidate: Candidate) -> TrainingPlan:
        return TrainingPlan(labels, (candidate,), {base.name: base.revision}, digest_json(splits), "benchmark", prompt)

    batch = first.batch_of(len(splits["train"]))
    print(
        f"{len(splits['train'])} examples of {len(labels)} labels, {first.epochs} epochs, batch {batch}, {base.name}, ",
        end="",
    )
    print(f"{os.cpu_count()} cores; {len(splits['test'])} to test on")
    threads = choose_threads(plan_of(sides[SFT]), splits)
    figures: dict[str, list[tuple[float, float]]] = {side: [] for side in sides}
    print(f"{'side':12}{'seed':>6}{'samples/s':>12}{'macro-F1':>10}")
    for seed in range(seeds):
        # Each seed begins with another side, so that a drift of the machine's speed hits all of them.
        for side in (*list(sides)[seed % 3 :], *list(sides)[: seed % 3]):
            plan = plan_of(replace(sides[side], seed=seed))
            with tempfile.TemporaryDirectory() as folder:
                result = (
                    run_sft(Path(folder), plan, splits, threads)
                    if side == SFT
                    else run_ours(Path(folder), plan, splits)
                )
            figures[side].append(result)
            print(f"{side:12}{seed:>6}{result[0]:>12.2f}{result[1]:>10.4f}", flush=True)
    peak = measure_peak()
    print(f"matrix products of this machine: {peak / 1e9:.0f} GFLOP/s")
    for side, runs in figures.items():
        done = statistics.median(speed for speed, _ in runs) * operations(plan_of(sides[side]), splits)
        print(f"{side}: {done / 1e9:.0f} GFLOP/s in the products that it needs, {done / peak:.0%} of that")
    held = [_judge(figures, side, bound) for side, bound in (("all layers", MIN_RATIO), (upper.layers, AIM_OF_UPPER))]
    return held[0]


def _judge(figures: dict[str, list[tuple[float, float]]], side: str, bound: float) -> bool:
    """Print what one side gains and loses against SFTTrainer.

    Returns True when it is fast enough, and as good within the spread of the seeds.
    """
    speed = {name: statistics.median(speed for speed, _ in figures[name]) for name in (SFT, side)}
    scores = {name: [reached for _, reached in figures[name]] for name in (SFT, side)}
    spread = max(max(runs) - min(runs) for runs in scores.values())
    lost = statistics.mean(scores[SFT]) - statistics.mean(scores[side])
    ratio = speed[side] / speed[SFT]
    fast, good = ratio >= bound, lost <= spread
    print(f"{side}: {ratio:.2f} times the samples/s (at least {bound}: {'held' if fast else 'MISSED'}), ", end="")
    print(f"macro-F1 lost {lost:+.4f} (at most the spread of the seeds, {spread:.4f}: {'held' if good else 'MISSED'})")
    return fast and good


def make_splits(data: Path | None, train: int, test: int) -> dict[str, Examples]:
    """Return the examples of each split, from a file or generated: four subjects, no wrong labels, for few steps."""
    rows = train + CALIBRATION + test
    if data is None:
        examples = make_examples(rows, 0, SUBJECTS, 0.0)
    else:
        lines = [json.loads(line) for line in data.read_text(encoding="utf-8").splitlines()]
        examples = [(row["text"], row["label"]) for row in lines][:rows]
    middle = train + CALIBRATION
    return {"train": examples[:train], "calibration": examples[train:middle], "test": examples[middle:]}


def main() -> int:
    """Run the benchmark; return 0 when the bounds of LoRA on every layer hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="JSON lines with text and label")
    parser.add_argument("--base", default="SmolLM2-135M")
    parser.add_argument("--train", type=int, default=160)
    parser.add_argument("--test", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--layers", default="top:10")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--upper-learning-rate", type=float, default=3e-3, help="of LoRA on the upper layers")
    options = parser.parse_args()
    first = Candidate(
        family="causal",
        base=options.base,
        epochs=options.epochs,
        patience=options.epochs,
        batch=options.batch,
        learning_rate=options.learning_rate,
    )
    upper = replace(first, layers=options.layers, learning_rate=options.upper_learning_rate)
    return 0 if compare(make_splits(options.data, options.train, options.test), first, upper, options.seeds) else 1


if __name__ == "__main__":
    sys.exit(main())
