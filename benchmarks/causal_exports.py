"""Measure every export of a causal adapter trained on real tickets: accuracy, ECE, size, speed and parity.

Run `python -m benchmarks.causal_exports --data FOLDER` after `make setup-causal` (`--train 200 --kinds gguf_q8_0` for a
quick look). A LoRA is trained on corrected tickets by the product's own process, calibrated and sealed in a home, and
each kind is exported by `ratchet/storage/registry/exports.py` as `ratchet export` does it. Exits 0 when every kind was
exported, whatever the verdict on parity.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.sweep import DATA, NAME, need_data, ratchet
from ratchet.config.candidate import Candidate
from ratchet.config.prompt import make_prompt
from ratchet.core.cycle import Cycle
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.deployment.exports.kinds import KINDS
from ratchet.metrics.calibration import fit_calibration
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.exports import Exports
from ratchet.storage.specs import Specs
from ratchet.training.plan import Examples, TrainingPlan, prepare
from ratchet.training.result import read_result

EXPORTS = tuple(KINDS)


def read_tickets(data: Path, count: int) -> Examples:
    """Return the first corrected tickets by time whose annotators agree and which are not in the golden set."""
    golden = {json.loads(line)["text"] for line in (data / "golden.jsonl").read_text().splitlines()}
    labels: dict[str, set[str]] = {}
    for path in sorted((data / "corrections").glob("*.jsonl")):
        for row in map(json.loads, path.read_text().splitlines()):
            labels.setdefault(row["request_id"], set()).add(row["label"])
    tickets: Examples = []
    for path in sorted((data / "production_logs").glob("*.jsonl")):
        for row in map(json.loads, path.read_text().splitlines()):
            given = labels.get(row["request_id"], set())
            if len(given) == 1 and row["text"] not in golden:
                tickets.append((row["text"], *given))
    return tickets[:count]


def make_adapter(home: Home, options: argparse.Namespace) -> str:
    """Train, calibrate and seal one candidate in `home`, noted as that of a cycle; return its digest."""
    ratchet(home, "init", NAME, "--labels-from", options.data / "golden.jsonl")
    spec = Specs(home)[NAME]
    examples = read_tickets(options.data, options.train + options.held_out)
    train, held_out = examples[: options.train], examples[options.train :]
    settings = {"layers": options.layers, "learning_rate": options.rate, "patience": options.epochs}
    candidate = Candidate(family="causal", base=options.base, epochs=options.epochs, **settings)
    base = resolve_base(candidate.base)
    prompt = make_prompt(spec.prompt, spec.label)
    plan = TrainingPlan(
        spec.labels, (candidate,), {base.name: base.revision}, digest_json(examples), "benchmark", prompt
    )
    work = prepare(home.training(NAME), plan, train, held_out)
    subprocess.run([sys.executable, "-m", "ratchet.training", str(work)], check=True, stdout=subprocess.DEVNULL)
    weights = read_result(work).best_folder
    truth = np.array([spec.labels.index(label) for _, label in held_out])
    calibration = fit_calibration(load_predictor(weights).logits([text for text, _ in held_out]), truth)
    digest = AdapterStore(home).seal(NAME, weights, {"calibration": calibration.as_json()})
    Receipts(home).note(Cycle(NAME, date(2026, 1, 5)), adapter=digest, plan=plan.digest)
    return digest


def line_of(kind: str, record: dict[str, Any], seconds: float) -> str:
    """Format one export as a row of the table."""
    verdict, speed = record["verdict"], record["speed"]
    evidence = verdict["evidence"]
    fast, own = speed["export_texts_per_s"], speed["adapter_texts_per_s"]
    figures = (
        f"{evidence['items']:>6}{evidence['changed']:>8}{evidence['accuracy']:>10.4f}"
        f"{(0 - evidence['accuracy_loss']) * 100:>+8.2f}"
        f"{(0 - evidence['macro_f1_loss']) * 100:>+8.2f}{evidence['ece_rise']:>+9.4f}{record['bytes'] / 1e6:>7.0f}"
        f"{fast:>8.1f}{own:>8.1f}"
    )
    return f"{kind:13}{figures}{seconds:>8.0f}  {verdict['outcome']}"


def main() -> int:
    """Export every kind and print the table; return 0 when every kind was exported."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help=DATA)
    parser.add_argument("--base", default="SmolLM2-135M")
    parser.add_argument("--train", type=int, default=800, help="tickets to train on")
    parser.add_argument("--held-out", type=int, default=300, help="tickets to calibrate on, and to compare on")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--layers", default="top:10")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--kinds", nargs="+", default=EXPORTS, choices=EXPORTS)
    parser.add_argument("--home", type=Path, help="keep the home here; an adapter that is already in it is used again")
    options = parser.parse_args()
    need_data(options.data)
    failed = False
    with (
        nullcontext(options.home) if options.home else tempfile.TemporaryDirectory(prefix="ratchet-exports-")
    ) as folder:
        home, started = Home(Path(folder)), time.perf_counter()
        digest = next(iter(AdapterStore(home).digests(NAME)), "") or make_adapter(home, options)
        print(f"adapter {digest[:12]} after {time.perf_counter() - started:.0f} s; differences from it in points:")
        print(
            f"{'kind':13}{'texts':>6}{'changed':>8}{'accuracy':>10}{'points':>8}{'F1':>8}{'ECE':>9}"
            f"{'MB':>7}{'texts/s':>8}{'adapter':>8}{'made s':>8}  parity"
        )
        for kind in options.kinds:
            started = time.perf_counter()
            try:
                record = Exports(home).make(NAME, digest, kind)
            except RatchetError as error:
                failed = True
                print(f"{kind:13}  {error.message} {error.hint}", flush=True)
                continue
            print(line_of(kind, record, time.perf_counter() - started), flush=True)
            print(f"{'':13}  {record['verdict']['reason']}", flush=True)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
