"""Measure the cost of a shadow when it and live adapt the upper layers only, with and without shared lower layers.

Run `python -m benchmarks.sharing` after `make setup-causal`. Two random adapters of the upper ten layers share one
base; live classifies some texts, then shadow the same ones, in float32 as in the gateway. Seconds are processor time of
all threads.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.encoder import make_examples
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.hidden_state_cache import HiddenStateCache
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.multi_adapter_causal import MultiAdapterCausal
from ratchet.testing.tiny_adapter import write_tiny_adapter

LABELS = ("card_delivery", "exchange_rate", "refunds", "transfers")


def main() -> int:
    """Print the processor seconds of the shadow, and their ratio; return 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layers", default="top:10")
    parser.add_argument("--texts", type=int, default=16, help="texts in one call")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    base, prompt = resolve_base("SmolLM2-135M"), make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
    with tempfile.TemporaryDirectory() as folder:
        bases = ModelPool()
        live, shadow = (
            bases.load(
                write_tiny_adapter(
                    Path(folder) / str(seed),
                    base,
                    LABELS,
                    seed=seed,
                    rank=16,
                    max_tokens=128,
                    layers=options.layers,
                    prompt=prompt,
                )
            )
            for seed in (1, 2)
        )
        model, seconds = live.model, dict[str, list[float]]({"computed": [], "shared": []})
        assert isinstance(model, MultiAdapterCausal)  # noqa: S101 - the base of this benchmark
        for turn in range(options.rounds):
            texts = [text for text, _ in make_examples(options.texts, turn)]
            model.answer([(live, texts)])
            for how in ("shared", "computed"):
                if how == "computed":  # an empty cache: as if live had not classified these texts
                    model._memo = HiddenStateCache()
                started = time.process_time()
                model.answer([(shadow, texts)])
                seconds[how].append(time.process_time() - started)
    shared, computed = (statistics.median(seconds[how]) for how in ("shared", "computed"))
    print(
        f"{options.layers}, {options.texts} texts: shadow {computed:.3f} s by itself, {shared:.3f} s after live: ",
        end="",
    )
    print(f"{computed / shared:.2f} times")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
