"""Measure our scoring of a causal classifier against `model.generate` and the transformers text-generation pipeline.

Run `python -m benchmarks.scoring` (`--texts 8 --rounds 1` for a quick look). The same base in float32 classifies the
same texts in turn. `generate` is the cost of a prompt and a parser: one text at a time, greedy, the twenty tokens that
are its default; `generate, one token` is its least. The pipeline writes one token in padded batches of sixteen. Each of
the three uses as many torch threads as suit it best, found on two texts; ours uses two threads with one torch thread
each. The pipeline may write only codes, so that each answer can be compared with ours. Exits 1 when ours is less than
10 times as fast as `generate` or twice as fast as the pipeline, or when answers differ: from `generate`, on the same
tokens, in none; from the pipeline, which tokenises the prompt itself, in one of twenty at most.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.encoder import SUBJECTS, make_examples
from ratchet.config.prompt import Prompt, PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.metrics.calibration import UNCALIBRATED
from ratchet.models.base_models import resolve_base
from ratchet.models.causal import load_causal
from ratchet.models.encoders import quiet_loading
from ratchet.models.inference.predictor import CausalPredictor, causal_predictor
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.models.tokenization import encode_texts

MIN_OF_GENERATE, MIN_OF_PIPELINE, MAX_DIFFERENT = 10.0, 2.0, 0.05
WRITTEN, BATCH = 20, 16

Answers = list[int]
Side = Callable[[list[str]], Answers]


def make_sides(base_name: str) -> dict[str, Side]:
    """Return the sides by name, each a function from texts to places of labels; ours sets its own number of threads."""
    base, labels = resolve_base(base_name), tuple(SUBJECTS)
    prompt = make_prompt(PromptPolicy(), [Label(label) for label in labels])
    predictor = causal_predictor(
        load_causal(base.folder), labels, UNCALIBRATED, load_prompt_tokenizer(base.folder, prompt, 128)
    )
    return {
        "ratchet": lambda texts: predictor.logits(texts).argmax(axis=1).tolist(),
        "generate": lambda texts: _generate(predictor, texts, WRITTEN),
        "generate, one token": lambda texts: _generate(predictor, texts, 1),
        "pipeline": _make_pipeline(predictor, prompt, base.folder),
    }


def _generate(predictor: CausalPredictor, texts: list[str], written: int) -> Answers:
    """Generate for one text at a time, on the tokens that ours reads; the answer is the first token's best code."""
    import torch

    tokenizer, model, places = predictor.tokenizer, predictor.network, []
    codes = list(tokenizer.codes)
    for ids in encode_texts(tokenizer, texts):
        prompt = torch.tensor([[*tokenizer.prefix, *ids]])
        done = model.generate(
            prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=written,
            min_new_tokens=written,
            pad_token_id=predictor.pad_id, return_dict_in_generate=True, output_scores=True,
        )  # fmt: skip
        places.append(int(done.scores[0][0, codes].argmax()))
    return places


def _make_pipeline(predictor: CausalPredictor, prompt: Prompt, folder: Any) -> Side:
    from transformers import AutoTokenizer, pipeline

    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    with quiet_loading():
        plain = pipeline("text-generation", model=predictor.network, tokenizer=tokenizer, device=-1)
    allowed, codes = list(predictor.tokenizer.codes), list(prompt.codes)

    def answer(texts: list[str]) -> Answers:
        done = plain(
            [prompt.render(text.strip()) for text in texts], batch_size=BATCH, max_new_tokens=1, do_sample=False,
            return_full_text=False, prefix_allowed_tokens_fn=lambda row, ids: allowed,
        )  # fmt: skip
        return [codes.index(written[0]["generated_text"].strip()) for written in done]

    return answer


def choose_threads(answer: Side, texts: list[str]) -> int:
    """Return the faster of one thread and one per core: on a busy machine torch's threads wait for each other."""
    import torch

    seconds = {}
    for threads in (1, os.cpu_count() or 1):
        torch.set_num_threads(threads)
        started = time.perf_counter()
        answer(texts)
        seconds[threads] = time.perf_counter() - started
    return min(seconds, key=seconds.__getitem__)


def measure(base: str, texts: int, rounds: int) -> bool:
    """Run all sides in turn and print the table; return True when the bounds hold."""
    import torch

    sample = [text for text, _ in make_examples(texts, seed=0)]
    sides = make_sides(base)
    for answer in sides.values():
        answer(sample[:1])  # loads what is loaded once
    threads = {side: choose_threads(answer, sample[:2]) for side, answer in sides.items()}
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    answers: dict[str, Answers] = {}
    for number in range(rounds):
        for side, answer in sorted(sides.items(), reverse=bool(number % 2)):
            torch.set_num_threads(threads[side])
            started = time.perf_counter()
            answers[side] = answer(sample)
            seconds[side].append(time.perf_counter() - started)
    print(f"{texts} texts, {len(SUBJECTS)} labels, {base}, float32, {os.cpu_count()} cores, {rounds} rounds")
    print(f"{'side':22}{'texts/s':>9}{'ratchet is':>12}{'same answers':>14}")
    ratios, same = {}, {}
    for side, own in seconds.items():
        ratios[side] = statistics.median(theirs / ours for theirs, ours in zip(own, seconds["ratchet"], strict=True))
        same[side] = sum(a == b for a, b in zip(answers[side], answers["ratchet"], strict=True))
        print(f"{side:22}{texts / statistics.median(own):>9.2f}{ratios[side]:>11.1f}x{f'{same[side]} of {texts}':>14}")
    print(f"at least {MIN_OF_GENERATE:.0f} times generate, {MIN_OF_PIPELINE:.0f} times the pipeline; the same answers")
    equal = same["generate"] == same["generate, one token"] == texts and same["pipeline"] >= (1 - MAX_DIFFERENT) * texts
    return ratios["generate"] >= MIN_OF_GENERATE and ratios["pipeline"] >= MIN_OF_PIPELINE and equal


def main() -> int:
    """Run the benchmark; return 0 when the bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", default="SmolLM2-135M")
    parser.add_argument("--texts", type=int, default=48)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    return 0 if measure(options.base, options.texts, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
