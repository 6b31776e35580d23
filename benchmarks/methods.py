"""Measure one candidate of each training method on few texts: seconds, memory and adapter size.

Run `python -m benchmarks.methods` after `make setup-causal` (`--rows 60`, `--only encoder/`). Each is a training
process of its own, as the product starts it; memory is the sum of `Pss` over its processes, sampled every second. One
epoch teaches little: only the cost is judged. The factors of `ratchet/training/cost_estimate.py` come from here.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.encoder import read_splits
from benchmarks.training import Named
from ratchet.config.candidate import Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.core.digests import digest_json
from ratchet.models.base_models import resolve_base
from ratchet.training.plan import Examples, TrainingPlan, prepare
from ratchet.training.result import read_result

_CAUSAL: dict[str, Any] = {"family": "causal", "batch": 8, "learning_rate": 5e-4}
METHODS: tuple[dict[str, Any], ...] = (
    {"method": "lora"},
    {"method": "dora"},
    {"method": "full", "learning_rate": 5e-5},
    {"method": "probe"},
    {**_CAUSAL, "method": "lora"},
    {**_CAUSAL, "method": "lora", "layers": "top:10"},
    {**_CAUSAL, "method": "dora"},
    {**_CAUSAL, "method": "qlora"},
    {**_CAUSAL, "method": "dpo"},
    {**_CAUSAL, "method": "full", "learning_rate": 5e-5},
    {**_CAUSAL, "method": "lora", "trainer": "sft"},
    {**_CAUSAL, "method": "qlora", "trainer": "sft"},
)
ENCODED = 10  # an encoder is fast, so it gets this many times the texts
CALIBRATED = 16  # texts to calibrate on


def watch(command: list[str]) -> float:
    """Run a command to its end; return the peak memory of it and its children, in GB."""
    peak = 0
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return peak / 1e9


def memory_of(pid: int) -> int:
    """Return the bytes of a process and its children; those that end meanwhile are left out."""
    total = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            total += process.memory_full_info().pss
    except psutil.Error:
        return total
    return total


def try_method(candidate: Candidate, splits: dict[str, Examples]) -> str:
    """Train one candidate; return its row of the table."""
    labels = tuple(sorted({label for _, label in splits["train"]}))
    base, prompt = resolve_base(candidate.base), make_prompt(PromptPolicy(), [Named(label) for label in labels])
    read = prompt if candidate.family == "causal" else None
    plan = TrainingPlan(labels, (candidate,), {base.name: base.revision}, digest_json(splits), "benchmark", read)
    calibration = [*splits["calibration"], *splits["test"]][:CALIBRATED]
    with tempfile.TemporaryDirectory() as folder:
        work = prepare(Path(folder), plan, splits["train"], calibration)
        peak = watch([sys.executable, "-m", "ratchet.training", str(work)])
        result = read_result(work)
        size = sum(path.stat().st_size for path in result.best_folder.iterdir()) / 1e6
    best = result.best_candidate
    passed = f"  {best.pairs / best.epochs[-1].train_seconds:.2f} pairs/s" if best.pairs else ""
    figures = (
        f"{best.samples_per_second:>10.2f}{len(splits['train']):>8}{best.seconds:>10.1f}{peak:>10.2f}{size:>12.1f}"
    )
    return f"{candidate.title:50}{figures}{passed}"


def main() -> int:
    """Train every method and print the table; return 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=60, help="texts of causal models; encoders get ten times as many")
    parser.add_argument("--only", default="", help="part of a candidate's title, for instance encoder/ or /dora")
    options = parser.parse_args()
    splits = {"causal": read_splits(None, options.rows), "encoder": read_splits(None, ENCODED * options.rows)}
    print(f"{'candidate':50}{'texts/s':>10}{'texts':>8}{'seconds':>10}{'peak GB':>10}{'adapter MB':>12}")
    for settings in METHODS:
        candidate = Candidate(**{"epochs": 1, "patience": 1, **settings})
        if options.only in candidate.title:
            print(try_method(candidate, splits[candidate.family]), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
