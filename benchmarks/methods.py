"""Trains one causal candidate of each method on few texts: seconds, memory and adapter size of each, side by side.

Run `python -m benchmarks.methods` after `make setup-causal` (`--rows 60`). Each is a training process of its own, as the product
starts it; memory is the sum of `Pss` over its processes, looked at every second. Nothing is judged: one epoch teaches little.
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
from ratchet.bases import resolve_base
from ratchet.candidate import Candidate
from ratchet.identity import digest_json
from ratchet.prompt import PromptPolicy, make_prompt
from ratchet.training.outcome import read_result
from ratchet.training.plan import Examples, TrainingPlan, prepare

METHODS: tuple[dict[str, Any], ...] = (
    {"method": "lora"},
    {"method": "dora"},
    {"method": "qlora"},
    {"method": "qlora", "trainer": "sft"},
    {"method": "full", "learning_rate": 5e-5},
)
CALIBRATED = 8  # texts: what is measured is the training


def watch(command: list[str]) -> float:
    """Run a command to its end; the most memory that it and its children had, in GB."""
    peak = 0
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return peak / 1e9


def memory_of(pid: int) -> int:
    """Bytes of a process and its children; those that end meanwhile are left out."""
    total = 0
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            total += process.memory_full_info().pss
    except psutil.Error:
        return total
    return total


def try_method(base_name: str, settings: dict[str, Any], splits: dict[str, Examples]) -> str:
    """Train one candidate; its line of the table."""
    labels = tuple(sorted({label for _, label in splits["train"]}))
    base, prompt = resolve_base(base_name), make_prompt(PromptPolicy(), [Named(label) for label in labels])
    usual = {"family": "causal", "base": base.name, "epochs": 1, "patience": 1, "batch": 8, "learning_rate": 5e-4}
    candidate = Candidate(**{**usual, **settings})
    plan = TrainingPlan(labels, (candidate,), {base.name: base.revision}, digest_json(splits), "benchmark", prompt)
    with tempfile.TemporaryDirectory() as folder:
        work = prepare(Path(folder), plan, splits["train"], splits["calibration"][:CALIBRATED])
        peak = watch([sys.executable, "-m", "ratchet.training", str(work)])
        result = read_result(work)
        size = sum(path.stat().st_size for path in result.best_folder.iterdir()) / 1e6
    return f"{candidate.title:50}{result.best_candidate.samples_per_second:>10.2f}{peak:>10.2f}{size:>12.1f}"


def main() -> int:
    """Exit code 0 when every method was trained."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="SmolLM2-135M")
    parser.add_argument("--rows", type=int, default=60)
    options = parser.parse_args()
    splits = read_splits(None, options.rows)
    print(f"{'candidate':50}{'texts/s':>10}{'peak GB':>10}{'adapter MB':>12}")
    for settings in METHODS:
        print(try_method(options.base, settings, splits), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
