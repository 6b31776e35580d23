"""Canary prompts: a few neutral texts whose raw logits are recorded with an adapter, and asked again before it serves.

A digest proves that bytes are the same; the canary proves that base model, tokenizer, libraries, processor and adapter
still say together what they said when the adapter was judged. Add prompts as a new list under the next number, never to
one that adapters were recorded with. No prompt is ever taken from a user.
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
"""By the number that a card names."""

TOLERANCE = 1e-3
"""How far a logit may be from the recorded one, for each unit of the largest recorded logit (at least 1).

Other processors and other companies in a batch add in another order, which moves float32 logits by some 1e-5; a wrong
tensor, text or base moves them by 1e-2 and more. Less than 1e-3 moves no probability by more than 0.0005.
"""

_LATEST = max(PROMPTS)
_DECIMALS = 5  # float32 holds no more of a logit that counts
_AT_ONCE = 1  # whoever is answered by the same base waits for no more than one prompt


def record_reference_logits(folder: Path) -> dict[str, Any]:
    """What the adapter of `folder` answers to the prompts as it will be served: the card's `canary`.

    Raises `RatchetError` when the path that evaluates says anything else, for then its evaluation would not be about
    what serves.
    """
    from ratchet.models.inference.model_pool import ModelPool
    from ratchet.models.inference.predictor import load_predictor

    prompts = PROMPTS[_LATEST]
    logits = ModelPool().load(folder).logits(prompts)
    _compare(logits, load_predictor(folder).logits(prompts), "what evaluates it")
    return {"prompts": _LATEST, "logits": np.round(logits, _DECIMALS).tolist()}


def check_reference_logits(card: AdapterCard, ask: Callable[[Sequence[str]], Floats]) -> None:
    """Raise `RatchetError` unless `ask`, which gives logits [n, k], says of the prompts what the card recorded.

    The prompts are asked one by one, so that nobody who is answered meanwhile waits for long.
    """
    recorded = card.canary
    if recorded is None:
        raise _refuse("the adapter has no canary: it was trained before canaries were recorded.")
    prompts = PROMPTS.get(recorded["prompts"])
    expected = np.array(recorded["logits"], dtype=np.float64) if prompts else np.empty(0)
    if prompts is None or expected.shape != (len(prompts), len(card.labels)):
        raise _refuse(f"the adapter's canary answers other prompts than those of list {recorded['prompts']!r} here.")
    lots = [prompts[start : start + _AT_ONCE] for start in range(0, len(prompts), _AT_ONCE)]
    _compare(np.vstack([ask(lot) for lot in lots]), expected, "what was recorded at its training")


def _compare(found: Floats, expected: Floats, what: str) -> None:
    distance = float(np.abs(found - expected).max())
    limit = TOLERANCE * max(1.0, float(np.abs(expected).max()))
    if not distance <= limit:  # also when it is no number
        raise _refuse(f"the adapter's canary answers are {distance:.2g} away from {what}, more than {limit:.2g}.")


def _refuse(found: str) -> RatchetError:
    return RatchetError(found, "Run its cycle again, and promote the adapter that it makes.", code="bad_canary")
