"""The three-way evaluation: tuned model, its base without and with examples, and a frontier model on the same texts.

The texts are a sample of the test split. Add another model here; the figures of one are `contender.py`, the paragraph
is `comparison_summary.py`.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from ratchet.config.frontier import Frontier
from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.evaluation.comparison_summary import write_verdict
from ratchet.evaluation.contender import Contender, describe_contender, local_cost_per_call
from ratchet.evaluation.scoring import Scored, Scorer, Split
from ratchet.evaluation.untuned_base import Untuned
from ratchet.evaluation.verbalized_confidence import QUESTION, Verbalised, write_confidence
from ratchet.metrics.classification import Floats, Integers
from ratchet.models.few_shot import choose_shots
from ratchet.models.frontier.client import BatchResult
from ratchet.models.inference.predictor import CausalPredictor

_log = logging.getLogger(__name__)
NOT_CONFIGURED = "No frontier model was compared: classifier.toml has no [frontier] table."


class FrontierAsker(Protocol):
    """A frontier model, ready to answer."""

    @property
    def settings(self) -> Frontier:
        """The [frontier] table of the specification."""
        ...

    def ask(self, texts: Sequence[str]) -> BatchResult:
        """Return an answer for each text; faults of the endpoint are part of the result and raise nothing."""
        ...


def compare_three_ways(
    spec: Spec,
    train: Split,
    tuned: Scorer,
    scored: Scored,
    title: str,
    untuned: Untuned,
    frontier: FrontierAsker | None,
) -> dict[str, Any] | None:
    """Return the key `three_way` of the report; None where the specification leaves it out.

    `scored` holds the answers of `tuned` on the test split. Base and tuned are measured on this machine, one call at a
    time.
    """
    settings = spec.evaluation
    if not settings.max_texts:
        return None
    k, split = len(spec.labels), scored.split
    places = draw_sample(len(split.items), settings.max_texts, settings.seed)
    texts, labels = [split.texts[place] for place in places], split.labels[places]
    local = _Local(texts, settings.timed_calls, spec.machine.price_per_hour)
    mine = local.contend("tuned", title, "", scored.calibrated[places], tuned.logits)
    bases = [
        _measured("base_zero_shot", untuned.name, lambda: _zero_shot(untuned, local)),
        _measured("base_few_shot", untuned.name, lambda: _few_shot(spec, train, untuned, local)),
    ]
    outside = _measured(
        "frontier", frontier.settings.model if frontier else "none", lambda: _frontier(frontier, texts, k)
    )
    rows = [describe_contender(each, labels, k, mine, settings.seed) for each in (mine, *bases, outside)]
    return {
        "n": len(texts), "of": len(split.items), "seed": settings.seed,
        "machine_hour_price": spec.machine.price_per_hour, "machine_hour_assumed": spec.machine.is_price_assumed,
        "rows": rows, "frontier": outside.note,
        "verbalised": _verbalise(tuned, texts[: settings.verbalised_texts], mine, labels),
        "verdict": write_verdict(rows, len(texts), len(split.items), outside.note, spec.machine.is_price_assumed),
    }  # fmt: skip


def draw_sample(n: int, most: int, seed: int) -> Integers:
    """Draw the places of at most `most` of `n` items at random, sorted; all places if there are no more."""
    chosen = np.random.default_rng(seed).permutation(n)[:most]
    return np.sort(chosen).astype(np.int64)


class _Local:
    """Measurements of models on this machine, on the sample."""

    def __init__(self, texts: Sequence[str], timed: int, price: float) -> None:
        self.texts, self._price = texts, price
        self._timed = [texts[place] for place in draw_sample(len(texts), timed, 1)]

    def contend(
        self, name: str, model: str, note: str, probabilities: Floats, answer: Callable[[Sequence[str]], Any]
    ) -> Contender:
        """Make a contender from its probabilities [n, k] on the sample; `answer` is timed, one text at a time."""
        answer(self._timed[:1])  # work that is done once for all texts is not part of a call
        seconds = []
        for text in self._timed:
            started = time.perf_counter()
            answer([text])
            seconds.append(time.perf_counter() - started)
        predicted = probabilities.argmax(axis=1).astype(np.int64)
        cost = local_cost_per_call(seconds, self._price)
        everywhere = np.arange(len(self.texts), dtype=np.int64)
        return Contender(name, model, note, everywhere, predicted, probabilities.max(axis=1), tuple(seconds), cost)


def _measured(name: str, model: str, measure: Callable[[], Contender]) -> Contender:
    """Call `measure`; return an absent contender with the reason where it fails."""
    # this section only advises: its failure must not cost the cycle its report and gates
    try:
        return measure()
    except RatchetError as error:
        return Contender.absent(name, model, f"Not measured: {error.message} {error.hint}".strip())
    except Exception as error:  # noqa: BLE001 - no memory, a full disk, a runtime's own: any way to fail
        _log.exception("the row %s of the three-way evaluation could not be measured", name)
        return Contender.absent(name, model, f"Not measured: it failed with {type(error).__name__}; see the log.")


def _zero_shot(untuned: Untuned, local: _Local) -> Contender:
    """Measure the base without examples."""
    return local.contend(
        "base_zero_shot", untuned.name, untuned.ways[0], untuned.zero_shot(local.texts), untuned.zero_shot
    )


def _few_shot(spec: Spec, train: Split, untuned: Untuned, local: _Local) -> Contender:
    """Measure the base with as many examples of each label as fit."""
    for each in range(spec.evaluation.shots, 0, -1):
        shots = choose_shots(train.texts, train.labels, each, spec.evaluation.seed)
        answer = untuned.few_shot(shots)
        if answer is not None:
            note = f"{untuned.ways[1]}: {len(shots)} from the training split, at most {each} of each label"
            return local.contend("base_few_shot", untuned.name, note, answer(local.texts), answer)
    return Contender.absent(
        "base_few_shot", untuned.name, "one example of each label is more than the model can read at once"
    )


def _frontier(frontier: FrontierAsker | None, texts: Sequence[str], k: int) -> Contender:
    """Measure the frontier model; `note` holds the outcome of the calls."""
    if frontier is None:
        return Contender.absent("frontier", "none", NOT_CONFIGURED)
    settings = frontier.settings
    some = draw_sample(len(texts), settings.max_texts, 2)
    batch = frontier.ask([texts[place] for place in some])
    answered = [(place, answer) for place, answer in zip(some, batch.answers, strict=True) if answer]
    if not answered:
        return Contender.absent("frontier", settings.model, batch.sentence)
    usable = [answer for _, answer in answered if answer.label is not None]
    confidence = None
    if usable and all(answer.probabilities for answer in usable):
        confidence = np.array([max(answer.probabilities or (np.nan,)) for _, answer in answered])
    costs = [
        settings.cost(answer.tokens_in, answer.tokens_out)
        for _, answer in answered
        if answer.tokens_in is not None and answer.tokens_out is not None
    ]
    return Contender(
        name="frontier",
        model=settings.model,
        note=batch.sentence,
        places=np.array([place for place, _ in answered], dtype=np.int64),
        # an answer that cannot be used counts as wrong: index k is none of the labels
        predicted=np.array([k if answer.label is None else answer.label for _, answer in answered], dtype=np.int64),
        confidence=confidence,
        seconds=tuple(answer.latency_s for _, answer in answered),
        cost_per_call=float(np.mean(costs)) if costs else None,
    )


def _verbalise(tuned: Scorer, texts: Sequence[str], mine: Contender, labels: Integers) -> dict[str, Any] | None:
    """Compare the confidence that the tuned model writes with that of its logits; None for an encoder, which cannot
    write."""
    if not isinstance(tuned, CausalPredictor) or not texts:
        return None
    n, confidence = len(texts), mine.confidence
    assert confidence is not None  # noqa: S101 - a local model gives one
    try:
        written = write_confidence(tuned, texts, mine.predicted[:n])
    except RatchetError as error:
        return {"n": 0, "question": QUESTION.strip(), "reason": error.message}
    except Exception as error:  # noqa: BLE001 - as for a row
        _log.exception("the written confidence could not be measured")
        return {
            "n": 0,
            "question": QUESTION.strip(),
            "reason": f"it failed with {type(error).__name__}; see the log.",
        }
    return Verbalised(written, confidence[:n], mine.predicted[:n] == labels[:n]).as_json()
