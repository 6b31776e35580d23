"""Measure the ONNX exports of a trained encoder against the plain transformers pipeline, one text at a time.

Run `python -m benchmarks.exports` (`--rows 600 --texts 60` for a quick look). A LoRA is trained on generated messages
first. Then pipeline, our own float32 predictor, ONNX and int8 ONNX classify the same test texts in turn, each with one
thread. Exits 1 when int8 is less than 5 times as fast as the pipeline, or loses more than 0.3 points of accuracy on all
test texts.
"""

import argparse
import functools
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.encoder import make_examples
from ratchet.config.candidate import Candidate
from ratchet.core.digests import digest_json
from ratchet.deployment.exports.kinds import KINDS
from ratchet.deployment.exports.merged import merged_model
from ratchet.deployment.exports.onnx import ONNX
from ratchet.deployment.exports.onnx_runtime import onnx_predictor
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import Predictor, load_predictor
from ratchet.training.plan import Examples, TrainingPlan, prepare
from ratchet.training.result import read_result

MIN_RATIO, MAX_LOSS, ROUNDS = 5.0, 0.003, 7


def train(folder: Path, examples: Examples, calibration: Examples) -> Path:
    """Train an adapter by the product's own process; return its folder."""
    candidate = Candidate(epochs=2)
    base = resolve_base(candidate.base)
    labels = tuple(sorted({label for _, label in examples}))
    plan = TrainingPlan(labels, (candidate,), {base.name: base.revision}, digest_json(examples), "benchmark")
    work = prepare(folder, plan, examples, calibration)
    subprocess.run([sys.executable, "-m", "ratchet.training", str(work)], check=True, capture_output=True)
    return read_result(work).best_folder


def measure(rows: int, texts: int) -> bool:
    """Train, export, run all sides in turn and print the table; return True when the bounds hold."""
    import torch
    from transformers import AutoTokenizer, pipeline

    torch.set_num_threads(1)
    examples, test = make_examples(rows, seed=0), make_examples(2000, seed=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        adapter = train(folder, examples[: int(0.9 * rows)], examples[int(0.9 * rows) :])
        opened = validate_adapter(adapter)
        predictors = {"ratchet": load_predictor(adapter)}
        sizes = {"ratchet": sum(path.stat().st_size for path in opened.base.folder.glob("*.safetensors"))}
        for kind in ("onnx", "onnx_int8"):
            (folder / kind).mkdir()
            KINDS[kind].write(opened, folder / kind)
            model = (folder / kind / ONNX).read_bytes()
            predictors[kind], sizes[kind] = onnx_predictor(opened, model, one_by_one=KINDS[kind].one_by_one), len(model)
    tokenizer = AutoTokenizer.from_pretrained(opened.base.folder)
    plain = pipeline("text-classification", model=merged_model(opened), tokenizer=tokenizer, device=-1)
    sides: dict[str, Callable[[str], Any]] = {"pipeline": plain}
    sides |= {side: functools.partial(_predict_one, predictor) for side, predictor in predictors.items()}
    timed = [text for text, _ in test[:texts]]
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    # All sides in every round: other work on the machine then slows all of them, and the ratios hold.
    for _ in range(ROUNDS):
        for side, answer in sides.items():
            started = time.perf_counter()
            for text in timed:
                answer(text)
            seconds[side].append(time.perf_counter() - started)
    truth = np.array([opened.card.labels.index(label) for _, label in test])
    right = {
        side: float((p.logits([t for t, _ in test]).argmax(axis=1) == truth).mean()) for side, p in predictors.items()
    }
    ratios = {
        side: statistics.median(p / s for p, s in zip(seconds["pipeline"], own, strict=True))
        for side, own in seconds.items()
    }
    print(f"{'side':10}{'texts/s':>9}{'ratio':>7}{'accuracy':>10}{'MB':>7}")
    for side, own in seconds.items():
        reached = f"{right[side]:.4f}" if side in right else "-"
        size = f"{sizes[side] / 1e6:.0f}" if side in sizes else "-"
        print(f"{side:10}{len(timed) / statistics.median(own):>9.0f}{ratios[side]:>7.2f}{reached:>10}{size:>7}")
    loss = right["ratchet"] - right["onnx_int8"]
    print(
        f"int8 is {ratios['onnx_int8']:.2f} times the pipeline (at least {MIN_RATIO}); accuracy {-loss:+.4f} (at least"
        f" {-MAX_LOSS})"
    )
    return ratios["onnx_int8"] >= MIN_RATIO and loss <= MAX_LOSS


def _predict_one(predictor: Predictor, text: str) -> object:
    return predictor.predict([text])


def main() -> int:
    """Run the benchmark; return 0 when both bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1500)
    parser.add_argument("--texts", type=int, default=100)
    options = parser.parse_args()
    return 0 if measure(options.rows, options.texts) else 1


if __name__ == "__main__":
    sys.exit(main())
