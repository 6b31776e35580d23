"""Answering: which adapter and which path answer the texts of one request, and what stands in for one that fails.

Live answers the users of a candidate that fails, the calibrated path those of an edge path that fails. Add here another
substitute; the choice of the adapter is `gateway/serving/slots.py`, the batch `gateway/serving/batching.py`.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from gateway.errors import RequestError
from gateway.schemas import Answer
from gateway.serving.batching import OverloadedError
from gateway.serving.paths import AskBatcher, PathAnswer, ask_paths
from gateway.serving.slots import SlotChoice
from gateway.state import Gateway
from ratchet.config.spec import Spec
from ratchet.core.label_names import label_form
from ratchet.rollout.flag import CANDIDATE

_LOG = logging.getLogger("ratchet.gateway")

SlotAnswers = tuple[SlotChoice, list[PathAnswer], list[Answer]]
"""Choice that answered, its answers, and the same answers as the client gets them."""


async def answer_texts(
    gateway: Gateway,
    answer: AskBatcher,
    name: str,
    key: str,
    ids: Sequence[str],
    texts: list[str],
    *,
    calibrated: bool,
) -> tuple[SlotChoice, list[PathAnswer], list[Answer], tuple[str, Exception] | None]:
    """Return the answers, and digest and error of a candidate that failed; live answers its users instead."""
    choice = gateway.slots.choose(name, key)
    if calibrated:
        choice = replace(choice, edge=None)
    try:
        try:
            return *await _ask_either_path(gateway, answer, name, choice, ids, texts), None
        except OverloadedError:
            raise
        except Exception as error:
            if choice.slot != CANDIDATE:
                raise
            live = gateway.slots.live(name)
            live = replace(live, edge=None) if calibrated else live
            return *await _ask_either_path(gateway, answer, name, live, ids, texts), (choice.digest, error)
    except OverloadedError:
        raise RequestError(
            429, "overloaded", "Too many texts are waiting.", "Try again in a second.", retry_s=1
        ) from None
    finally:
        gateway.metrics.waiting.set(gateway.batcher.waiting)


async def _ask_either_path(
    gateway: Gateway, answer: AskBatcher, name: str, choice: SlotChoice, ids: Sequence[str], texts: Sequence[str]
) -> SlotAnswers:
    """Return the answers; if the edge path fails, count it and use the calibrated path of the same adapter."""
    try:
        return await _ask(answer, choice, ids, texts)
    except OverloadedError:
        raise
    except Exception as error:
        if choice.edge is None:
            raise
        _LOG.warning("classifier %s: the edge path failed (%s); the calibrated one answers", name, type(error).__name__)
        gateway.metrics.edge_faults.labels(name, choice.slot).inc(len(texts))
        return await _ask(answer, replace(choice, edge=None), ids, texts)


async def _ask(answer: AskBatcher, choice: SlotChoice, ids: Sequence[str], texts: Sequence[str]) -> SlotAnswers:
    """Return the answers of one choice; one that cannot be composed, such as an unknown label, counts as its fault."""
    path_answers = await ask_paths(answer, choice, texts)
    assert path_answers is not None  # noqa: S101 - only shadow texts are dropped
    return choice, path_answers, _compose(choice, ids, path_answers)


def choose_action(spec: Spec, label: str, confidence: float | None) -> str:
    """Return the label's action if the confidence (None counts as 0) reaches its threshold, else `review`."""
    entry = next(each for each in spec.label if label_form(each.name) == label_form(label))
    return entry.action if (confidence or 0.0) >= entry.threshold else "review"


def _compose(choice: SlotChoice, ids: Sequence[str], found: Sequence[PathAnswer]) -> list[Answer]:
    slot: Literal["live", "candidate"] = "candidate" if choice.slot == CANDIDATE else "live"
    return [
        Answer(
            request_id=request_id,
            label=each.label,
            confidence=each.confidence,
            probabilities=dict(each.probabilities),
            action=choose_action(choice.spec, each.label, each.confidence),
            adapter=choice.digest,
            slot=slot,
            path=each.path,
            runtime=each.runtime,
        )
        for request_id, each in zip(ids, found, strict=True)
    ]
