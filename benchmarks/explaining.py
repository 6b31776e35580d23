"""Measure explanations on one thread: seconds per text, points evaluated, and the error of the sum of attributions.

Run `python -m benchmarks.explaining` (`--texts 20`). A LoRA and a probe on MiniLM are trained on generated messages
first, one epoch; `--causal 4` also explains that many texts by SmolLM2-135M, untuned, after `make setup-causal`. The
time is that of `explain_text`; the command `ratchet explain` also loads torch and the model. `--home HOME --name NAME`
explains the golden set of a classifier by its live adapter instead.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.encoder import read_splits
from benchmarks.training import Named
from ratchet.config.candidate import DEFAULT_BASES, Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.core.digests import digest_json
from ratchet.evaluation.explanation.explain import explain_text
from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.models.base_models import resolve_base
from ratchet.models.causal import load_causal
from ratchet.models.inference.predictor import Predictor, causal_predictor, load_predictor
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import read_result

ROWS = 400


def measure(who: str, predictor: Predictor, texts: Sequence[str]) -> str:
    """Explain the texts with one model; return its row of the table."""
    explain_text(predictor, texts[0])  # loads what is loaded once
    explanations, seconds = [], []
    for text in texts:
        started = time.perf_counter()
        explanations.append(explain_text(predictor, text))
        seconds.append(time.perf_counter() - started)
    figures = f"{statistics.median(seconds):>10.2f}{max(seconds):>10.2f}{max(each.steps for each in explanations):>8}"
    missed = max(abs(each.delta) for each in explanations)
    converged = sum(each.converged for each in explanations)
    return f"{who:32}{len(texts):>6}{figures}{missed:>10.4f}{converged:>11} of {len(explanations)}"


def train(candidates: tuple[Candidate, ...], folder: Path) -> list[Predictor]:
    """Train the candidates as the product does, one after the other; return their predictors."""
    splits = read_splits(None, ROWS)
    labels, base = tuple(sorted({label for _, label in splits["train"]})), resolve_base(candidates[0].base)
    plan = TrainingPlan(labels, candidates, {base.name: base.revision}, digest_json(splits), "benchmark")
    work = prepare(folder, plan, splits["train"], splits["calibration"])
    subprocess.run([sys.executable, "-m", "ratchet.training", str(work)], check=True, capture_output=True)
    return [load_predictor(work / result.folder) for result in read_result(work).candidates]


def untuned() -> Predictor:
    """Return SmolLM2 with the default prompt for the generated messages' labels."""
    base, labels = (
        resolve_base(DEFAULT_BASES["causal"]),
        sorted({label for _, label in read_splits(None, ROWS)["train"]}),
    )
    prompt = make_prompt(PromptPolicy(), [Named(label) for label in labels])
    tokenizer = load_prompt_tokenizer(base.folder, prompt, Candidate("causal").max_tokens)
    return causal_predictor(load_causal(base.folder), tuple(labels), UNCALIBRATED, tokenizer)


def main() -> int:
    """Print a row for each model; return 0."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--causal", type=int, default=0)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--name", default="")
    options = parser.parse_args()
    torch.set_num_threads(1)
    texts = [text for text, _ in read_splits(None, ROWS)["test"]]
    print(f"{'model':32}{'texts':>6}{'median s':>10}{'most s':>10}{'points':>8}{'error':>10}{'converged':>14}")
    if options.home:
        home, name = Home(options.home), options.name
        live = Ledger(home).live(name)
        if live is None:
            raise SystemExit(f"{name} has no live adapter; promote one: ratchet promote {name} --why TEXT")
        golden = [item.text for item in Specs(home).golden(name)][: options.texts]
        print(measure(f"{name} {live[:12]}", load_predictor(AdapterStore(home).open(name, live)), golden))
        return 0
    candidates = (Candidate(epochs=1), Candidate(method="probe"))
    with tempfile.TemporaryDirectory() as folder:
        for candidate, predictor in zip(candidates, train(candidates, Path(folder)), strict=True):
            print(measure(candidate.title, predictor, texts[: options.texts]), flush=True)
    if options.causal:
        print(measure("SmolLM2-135M, untuned", untuned(), texts[: options.causal]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
