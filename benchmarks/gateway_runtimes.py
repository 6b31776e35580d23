"""Measure requests per second of the gateway with an adapter in process, with its ONNX export and its int8 export.

Run `python -m benchmarks.gateway_runtimes` (`--seconds 4 --rounds 1` for a quick look). A LoRA on the packaged encoder
is trained on generated messages first and admitted by real receipts of `target_fit`. One gateway process for each
runtime, in turns, over HTTP on loopback: 32 clients that never pause, and one. The figures have no bound: they help to
choose a target.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.exports import train
from benchmarks.gateway import CLIENTS, port_of, saturate
from orchestration.cli.demo.gateway_process import run_gateway
from ratchet.core.cycle import Cycle, parse_week
from ratchet.metrics.calibration import Calibration, fit_calibration
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.specs import Specs
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts, make_text, write_lines
from ratchet.training.plan import Examples
from ratchet.workflows.gates.target_gates import judge_artifact
from ratchet.workflows.rollout.reconcile import record

_WEEK = "2026-01-05"
_TARGETS = {
    "in_process": "",
    "onnx": '[[target]]\nname = "onnx"\n',
    "onnx_int8": '[[target]]\nname = "onnx"\nexport = "onnx_int8"\n',
}


def make_noisy(count: int, seed: int) -> Examples:
    """Return messages of which one in ten has a wrong label, so that there is a temperature to fit."""
    draw, labels = random.Random(seed), list(WORDS)
    return [
        (make_text(label, draw, n), label if draw.random() < 0.9 else draw.choice(labels))
        for n in range(count)
        for label in labels
    ]


def make_home(root: Path, folder: Path, calibration: Calibration, target: str) -> Home:
    """Return a home in which the adapter of `folder` is live for `target`, by the verdict that its cycle would give."""
    home, cycle = Home(root), Cycle("small", parse_week(_WEEK))
    SmallClassifier(home).write(target)
    golden = [{"text": text, "label": label} for text, label in make_noisy(100, seed=11)]
    write_lines(home.golden("small"), golden)  # enough for a meaningful ECE
    adapter = AdapterStore(home).seal("small", folder, {"calibration": calibration.as_json()})
    keep_receipts(home, "small", _WEEK, adapter)
    specs = Specs(home)
    verdict = judge_artifact(specs, specs["small"], adapter)
    if not verdict.passed:
        raise SystemExit(f"not measured: {verdict.reason}")
    print(verdict.reason)
    Receipts(home).write(cycle, "target_fit", verdict, {"adapter": adapter, "training_set": "0" * 64})
    fields = {"ts": f"{_WEEK}T10:00:00+00:00", "actor": "benchmark", "why": "benchmark", "week": _WEEK}
    record(home, "small", action="promote", adapter=adapter, receipts=Receipts(home).keep(cycle), **fields)
    return home


def measure(seconds: float, rounds: int) -> None:
    """Train, admit, measure in turns and print the medians."""
    examples = make_noisy(160, seed=7)
    rates: dict[str, dict[int, list[float]]] = {runtime: {CLIENTS: [], 1: []} for runtime in _TARGETS}
    with tempfile.TemporaryDirectory() as name:
        folder = train(Path(name) / "work", examples[:300], examples[300:])
        own = load_predictor(folder)
        truth = np.array([own.labels.index(label) for _, label in examples[300:]], dtype=np.int64)
        calibration = fit_calibration(own.logits([text for text, _ in examples[300:]]), truth)
        homes = {
            runtime: make_home(Path(name) / runtime, folder, calibration, target)
            for runtime, target in _TARGETS.items()
        }
        for _ in range(rounds):
            for runtime, home in homes.items():
                with run_gateway(home, home.root / "gateway.log") as url:
                    asyncio.run(saturate(port_of(url), requests=200))
                    for clients, measured in rates[runtime].items():
                        rate, statuses = asyncio.run(saturate(port_of(url), seconds=seconds, clients=clients))
                        if set(statuses) != {200}:
                            raise SystemExit(f"not measured: {runtime} answered with {sorted(set(statuses))}")
                        measured.append(rate)
                        print(f"  {runtime}, {clients} client(s): {rate:.0f}/s")
    for runtime, by_clients in rates.items():
        medians = ", ".join(
            f"{clients} client(s) {statistics.median(measured):.0f}/s" for clients, measured in by_clients.items()
        )
        print(f"{runtime}: {medians}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    measure(options.seconds, options.rounds)
