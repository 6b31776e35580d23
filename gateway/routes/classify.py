"""The route that answers: who answers is chosen, the batch is asked, the rows are landed.

Add here what every question goes through; the shapes that clients of other servers speak are `gateway/routes`.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response

from gateway.background import run_after_response
from gateway.errors import RequestError, unknown_classifier
from gateway.routes.auth import caller_of, need
from gateway.routes.request_body import REFUSED, body_of, described
from gateway.row_log import REQUESTS
from gateway.schemas import Answer, Answers, Question
from gateway.serving.batching import OverloadedError
from gateway.serving.paths import PathAnswer, ask_paths
from gateway.serving.slots import SlotChoice
from gateway.state import Gateway, gateway_of
from ratchet.config.spec import Spec
from ratchet.rollout.flag import CANDIDATE

router = APIRouter()
_LOG = logging.getLogger("ratchet.gateway")


@router.post(
    "/v1/classifiers/{name}", response_model=Answer | Answers, responses=REFUSED, openapi_extra=described(Question),
    dependencies=[Depends(need("classify"))], summary="Classify one text or several",
)  # fmt: skip
async def classify(
    request: Request, response: Response, name: str, question: Annotated[Question, Depends(body_of(Question))]
) -> Answer | Answers:
    """Answer with one of the classifier's labels, its calibrated confidence, and what the specification does with
    it."""
    if (question.text is None) == (question.texts is None):
        raise RequestError(
            422, "bad_body", "Give either text or texts.", 'Send {"text": "..."} or {"texts": ["...", "..."]}.'
        )
    texts = [question.text] if question.text is not None else list(question.texts or [])
    asked = await ask(request, response, name, texts, question.user_id)
    return asked.answers[0] if question.text is not None else Answers(answers=asked.answers)


@dataclass(frozen=True)
class Classified:
    """What became of one question: who answered, and the answers in the order of the texts."""

    choice: SlotChoice
    answers: list[Answer]


async def ask(
    request: Request,
    response: Response,
    name: str,
    texts: list[str],
    user_id: str | None = None,
    *,
    calibrated: bool = False,
) -> Classified:
    """Put texts to classifier `name`: the one way of every route that answers. Raises `RequestError`.

    `calibrated` is for clients that must have probabilities: no edge path is asked then.
    """
    gateway, started = gateway_of(request), time.monotonic()
    if name not in gateway.slots:
        raise unknown_classifier(gateway.slots.names())
    _check_texts(gateway, name, texts)
    asker = caller_of(request).name
    ids = [gateway.ids.make(name, asker) for _ in texts]
    choice, result, answers, failed = await _answer(gateway, name, user_id or ids[0], ids, texts, calibrated=calibrated)
    shared = {"ts": datetime.now(UTC).isoformat(), "latency_ms": (time.monotonic() - started) * 1000}
    rows = [
        {**answer.model_dump(exclude={"probabilities"}), **shared, "text": text}
        for answer, text in zip(answers, texts, strict=True)
    ]
    if not await _land(gateway, name, rows):
        response.headers["X-Ratchet-Logged"] = "0"
    if failed is None:
        run_after_response(request, partial(gateway.shadowing.follow_up, name, choice, ids, texts, result))
    else:  # the failure is the other half of the pair: asked again it might answer, and hide it
        gateway.shadowing.note_failure(name, choice, ids, result, *failed)
    gateway.metrics.requests.labels(name, choice.slot, "200").inc()
    for (path, runtime), count in Counter((said.path, said.runtime) for said in result).items():
        gateway.metrics.paths.labels(name, path, runtime).inc(count)
    gateway.metrics.duration.labels(name).observe(time.monotonic() - started)
    return Classified(choice, answers)


SlotAnswers = tuple[SlotChoice, list[PathAnswer], list[Answer]]
"""Who answered, what was said, and how the client is told."""


async def _answer(
    gateway: Gateway, name: str, key: str, ids: Sequence[str], texts: list[str], *, calibrated: bool
) -> tuple[SlotChoice, list[PathAnswer], list[Answer], tuple[str, Exception] | None]:
    """The answers, and the candidate that failed to give them, with its fault: no user pays for that, live answers."""
    choice = gateway.slots.choose(name, key)
    if calibrated:
        choice = replace(choice, edge=None)
    try:
        try:
            return *await _ask_either_path(gateway, name, choice, ids, texts), None
        except OverloadedError:
            raise
        except Exception as error:
            if choice.slot != CANDIDATE:
                raise
            live = gateway.slots.live(name)
            live = replace(live, edge=None) if calibrated else live
            return *await _ask_either_path(gateway, name, live, ids, texts), (choice.digest, error)
    except OverloadedError:
        raise RequestError(
            429, "overloaded", "Too many texts wait already.", "Try again in a second.", retry_s=1
        ) from None
    finally:
        gateway.metrics.waiting.set(gateway.batcher.waiting)


async def _ask_either_path(
    gateway: Gateway, name: str, choice: SlotChoice, ids: Sequence[str], texts: Sequence[str]
) -> SlotAnswers:
    """Where the edge fails, the calibrated path of the same adapter answers, and it is counted."""
    try:
        return await _ask(gateway, choice, ids, texts)
    except OverloadedError:
        raise
    except Exception as error:
        if choice.edge is None:
            raise
        _LOG.warning("classifier %s: the edge path failed (%s); the calibrated one answers", name, type(error).__name__)
        gateway.metrics.edge_faults.labels(name, choice.slot).inc(len(texts))
        return await _ask(gateway, replace(choice, edge=None), ids, texts)


async def _ask(gateway: Gateway, choice: SlotChoice, ids: Sequence[str], texts: Sequence[str]) -> SlotAnswers:
    """An answer that cannot be told, of a label that nobody knows for instance, is a fault of whoever gave it."""
    result = await ask_paths(gateway.batcher.answer, choice, texts)
    assert result is not None  # noqa: S101 - only shadow texts are dropped
    return choice, result, _compose(choice, ids, result)


def choose_action(spec: Spec, label: str, confidence: float | None) -> str:
    """The label's action when the calibrated confidence reaches its threshold, else `review`; without one, only at
    threshold 0."""
    result = next(each for each in spec.label if each.name == label)
    return result.action if (confidence or 0.0) >= result.threshold else "review"


def _check_texts(gateway: Gateway, name: str, texts: Sequence[str]) -> None:
    """Raise `RequestError` for too many texts, or one that intake would not take."""
    limits = gateway.settings
    if len(texts) > limits.max_batch_texts:
        raise RequestError(413, "too_many", f"More than {limits.max_batch_texts} texts.", "Send fewer at a time.")
    longest = gateway.slots[name].spec.max_text_chars
    if any(len(text) > longest for text in texts):
        raise RequestError(422, "bad_body", f"text: longer than {longest} characters.", "Send shorter texts.")


def _compose(choice: SlotChoice, ids: Sequence[str], found: Sequence[PathAnswer]) -> list[Answer]:
    slot: Literal["live", "candidate"] = "candidate" if choice.slot == CANDIDATE else "live"
    return [
        Answer(
            request_id=request_id,
            label=said.label,
            confidence=said.confidence,
            probabilities=dict(said.probabilities),
            action=choose_action(choice.spec, said.label, said.confidence),
            adapter=choice.digest,
            slot=slot,
            path=said.path,
            runtime=said.runtime,
        )
        for request_id, said in zip(ids, found, strict=True)
    ]


async def _land(gateway: Gateway, classifier: str, rows: Sequence[dict[str, Any]]) -> bool:
    """Land request rows; False when that failed. Waits for the disk only when asked to be durable, or once it refused a
    row."""
    unlogged = gateway.metrics.unlogged.labels(classifier)
    try:
        waiting = [gateway.landing.append(classifier, REQUESTS, row) for row in rows]
    except OSError:
        unlogged.inc(len(rows))
        return False
    for future in waiting:
        future.add_done_callback(lambda done: unlogged.inc() if done.exception() else None)
    if not gateway.settings.durable and not gateway.landing.trouble:
        return True
    result = await asyncio.gather(*map(asyncio.wrap_future, waiting), return_exceptions=True)
    return not any(isinstance(each, BaseException) for each in result)
