"""Measure examples per CPU second of one optimiser step: LoRA and DoRA, ours and as PEFT computes them.

Run `python -m benchmarks.step` (MiniLM), or with `--base SmolLM2-135M` after `make setup-causal`. One process with one
thread; CPU time is less disturbed by other work than wall-clock time, and the sides take turns. A dropout too small to
drop anything makes a layer compute as PEFT does. Add here what else is timed step by step; whole trainings are timed in
`methods.py`.
"""

import argparse
import sys
import time
from typing import Literal

from benchmarks.training import Named
from ratchet.config.candidate import DEFAULT_BASES, Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.models.base_models import resolve_base
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.training.native.causal_model import build_causal_model
from ratchet.training.native.model_setup import build_encoder_model
from ratchet.training.native.trainable_model import TrainableModel

CODES, TOKENS = 5, 32
NOTHING = 1e-12
Method = Literal["lora", "dora"]
METHODS: tuple[Method, ...] = ("lora", "dora")
SIDES = [(method, dropout) for method in METHODS for dropout in (0.0, NOTHING)]


def build(base_name: str, method: Method, dropout: float) -> TrainableModel:
    """Return the model of one side; causal for every base except the encoders' own."""
    base = resolve_base(base_name)
    if base.name == DEFAULT_BASES["encoder"]:
        return build_encoder_model(
            base.folder, base.name, Candidate(base=base.name, method=method, dropout=dropout), CODES
        )
    prompt = make_prompt(PromptPolicy(), [Named(f"label {number}") for number in range(CODES)])
    candidate = Candidate(family="causal", base=base.name, method=method, dropout=dropout)
    return build_causal_model(base.folder, base.name, candidate, load_prompt_tokenizer(base.folder, prompt, 128))


def time_steps(trainee: TrainableModel, batch: int, steps: int) -> float:
    """Return examples per CPU second over a number of steps."""
    import torch

    ids = torch.randint(1000, 20000, (batch, TOKENS), generator=torch.Generator().manual_seed(0))
    targets, weights = torch.arange(batch) % CODES, torch.ones(batch) / batch
    started = time.process_time()
    for _ in range(steps):
        trainee.step(trainee.gradients(ids, torch.ones_like(ids), targets, weights)[:-1], 1e-4)
    return batch * steps / (time.process_time() - started)


def main() -> int:
    """Print the best rate of each side; return 0."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default=DEFAULT_BASES["encoder"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    torch.set_num_threads(1)
    trainees = {side: build(options.base, *side) for side in SIDES}
    best = dict.fromkeys(SIDES, 0.0)
    for trainee in trainees.values():
        trainee.begin_epoch(0, 1, 0)
        time_steps(trainee, options.batch, 1)
    for _ in range(options.rounds):
        for side, trainee in trainees.items():
            best[side] = max(best[side], time_steps(trainee, options.batch, options.steps))
    print(f"{options.base}, batches of {options.batch} texts of {TOKENS} tokens")
    for (method, dropout), rate in best.items():
        print(f"{method} {'as PEFT computes it' if dropout else 'joined':25}{rate:>10.1f} examples per CPU second")
    return 0


if __name__ == "__main__":
    sys.exit(main())
