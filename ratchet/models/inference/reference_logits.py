"""Canary: raw logits for a few neutral prompts, recorded with an adapter and compared before it serves.

A digest proves that bytes are the same; the canary proves that base model, tokenizer, libraries, processor and adapter
still give together the logits that they gave when the adapter was evaluated. Add prompts as a new list under the next
number, never to a list that adapters were recorded with. Never use a text of a user as a prompt.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.core.errors import RatchetError
from ratchet.metrics.classification import Floats
from ratchet.models.adapters.format import AdapterCard

PROMPTS: Mapping[int, tuple[str, ...]] = {
    1: (
        ".",
        "?!",
        "ok",
        "The weather is fine today.",
        "Where can I find this?",
        "PLEASE ANSWER IN CAPITAL LETTERS",
        "1, 2, 3, 10, 100 and 0.5 per cent",
        "Please write to someone@example.org about it.",
        "Grüße aus Köln, à bientôt, señor",
        "今日は天気がいいです。",
        "Добрый день 🙂 مرحبا",
        "one line\nanother line\twith a tab",
        " ".join(
            f"The {word} box stands beside the next one." for word in ("first", "second", "third", "fourth", "fifth")
        ),
        "again and again " * 50,
    )
}
"""Lists of prompts, by the number that a card names."""

TOLERANCE = 1e-3
"""Allowed distance of a logit from the recorded one, relative to the largest recorded logit (at least 1).

Another processor, or other rows in the batch, change the order of sums, which moves float32 logits by about 1e-5; a
wrong tensor, text or base moves them by 1e-2 and more. Less than 1e-3 moves no probability by more than 0.0005.
"""

_LATEST = max(PROMPTS)
_DECIMALS = 5  # more digits of a float32 logit carry no information
_AT_ONCE = 1  # so that requests to the same base wait for one prompt at most


def record_reference_logits(folder: Path) -> dict[str, Any]:
    """Record the logits of the adapter of `folder` for the prompts, as it will be served: the card's `canary`.

    Raises `RatchetError` where the code path of evaluation gives other logits, since it would not evaluate what serves.
    """
    from ratchet.models.inference.model_pool import ModelPool
    from ratchet.models.inference.predictor import load_predictor

    prompts = PROMPTS[_LATEST]
    logits = ModelPool().load(folder).logits(prompts)
    _compare(logits, load_predictor(folder).logits(prompts), "those of evaluation")
    return {"prompts": _LATEST, "logits": np.round(logits, _DECIMALS).tolist()}


def check_reference_logits(card: AdapterCard, ask: Callable[[Sequence[str]], Floats]) -> None:
    """Raise `RatchetError` unless `ask`, from texts to logits [n, k], gives the recorded logits for the prompts.

    The prompts are sent one by one, so that other requests do not wait for long.
    """
    recorded = card.canary
    if recorded is None:
        raise _refuse("the adapter has no canary: it was trained before canaries were recorded.")
    prompts = PROMPTS.get(recorded["prompts"])
    expected = np.array(recorded["logits"], dtype=np.float64) if prompts else np.empty(0)
    if prompts is None or expected.shape != (len(prompts), len(card.labels)):
        raise _refuse(f"the adapter's canary does not match the prompts of list {recorded['prompts']!r}.")
    lots = [prompts[start : start + _AT_ONCE] for start in range(0, len(prompts), _AT_ONCE)]
    _compare(np.vstack([ask(lot) for lot in lots]), expected, "those recorded at its training")


def _compare(found: Floats, expected: Floats, what: str) -> None:
    distance = float(np.abs(found - expected).max())
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not distance <= limit:  # also true for NaN
        raise _refuse(f"the adapter's canary answers are {distance:.2g} away from {what}; {limit:.2g} is allowed.")


def _refuse(message: str) -> RatchetError:
    return RatchetError(message, "Run its cycle again, and promote the adapter that it makes.", code="bad_canary")
