"""The route that answers: who answers is chosen, the batch is asked, the rows are landed.

Add here what every question goes through; the shapes that clients of other servers speak are `gateway/dialects`.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response

from gateway.access import caller_of, need
from gateway.afterwards import do_afterwards
from gateway.batching import Answered, OverloadedError
from gateway.bodies import REFUSED, body_of, described
from gateway.landing import REQUESTS
from gateway.refusals import Refusal, unknown_classifier
from gateway.schemas import Answer, Answers, Question
from gateway.slots import Choice
from gateway.state import Gateway, gateway_of
from ratchet.prediction import Predictions
from ratchet.rollout import CANDIDATE
from ratchet.spec import Spec

router = APIRouter()


@router.post(
    "/v1/classifiers/{name}", response_model=Answer | Answers, responses=REFUSED, openapi_extra=described(Question),
    dependencies=[Depends(need("classify"))], summary="Classify one text or several",
)  # fmt: skip
async def classify(
    request: Request, response: Response, name: str, question: Annotated[Question, Depends(body_of(Question))]
) -> Answer | Answers:
    """Answer with one of the classifier's labels, its calibrated confidence, and what the specification does with it."""
    if (question.text is None) == (question.texts is None):
        raise Refusal(422, "bad_body", "Give either text or texts.", 'Send {"text": "..."} or {"texts": ["...", "..."]}.')
    texts = [question.text] if question.text is not None else list(question.texts or [])
    asked = await ask(request, response, name, texts, question.user_id)
    return asked.answers[0] if question.text is not None else Answers(answers=asked.answers)


@dataclass(frozen=True)
class Asked:
    """What became of one question: who answered, and the answers in the order of the texts."""

    choice: Choice
    answers: list[Answer]


async def ask(request: Request, response: Response, name: str, texts: list[str], user_id: str | None = None) -> Asked:
    """Put texts to classifier `name`: the one path of every route that answers. Raises `Refusal`."""
    gateway, started = gateway_of(request), time.monotonic()
    if name not in gateway.slots:
        raise unknown_classifier(gateway.slots.names())
    _check_texts(gateway, name, texts)
    asker = caller_of(request).name
    ids = [gateway.ids.make(name, asker) for _ in texts]
    choice, found, failed = await _answer(gateway, name, user_id or ids[0], texts)
    answers = _compose(choice, ids, found)
    shared = {"ts": datetime.now(UTC).isoformat(), "latency_ms": (time.monotonic() - started) * 1000}
    rows = [
        {**answer.model_dump(exclude={"probabilities"}), **shared, "text": text}
        for answer, text in zip(answers, texts, strict=True)
    ]
    if not await _land(gateway, name, rows):
        response.headers["X-Ratchet-Logged"] = "0"
    if failed is None:
        do_afterwards(request, partial(gateway.shadowing.follow_up, name, choice, ids, texts, found))
    else:  # the failure is the other half of the pair: asked again it might answer, and hide it
        gateway.shadowing.note_failure(name, choice, ids, found, *failed)
    gateway.metrics.requests.labels(name, choice.slot, "200").inc()
    gateway.metrics.duration.labels(name).observe(time.monotonic() - started)
    return Asked(choice, answers)


async def _answer(gateway: Gateway, name: str, key: str, texts: list[str]) -> tuple[Choice, Answered, tuple[str, Exception] | None]:
    """Who answers, the answers, and the candidate that failed to, with its fault: no user pays for that, live answers."""
    choice = gateway.slots.choose(name, key)
    try:
        try:
            return choice, await gateway.batcher.answer(choice.predictor, texts), None
        except OverloadedError:
            raise
        except Exception as error:
            if choice.slot != CANDIDATE:
                raise
            live = gateway.slots.live(name)
            return live, await gateway.batcher.answer(live.predictor, texts), (choice.digest, error)
    except OverloadedError:
        raise Refusal(429, "overloaded", "Too many texts wait already.", "Try again in a second.", retry_s=1) from None
    finally:
        gateway.metrics.waiting.set(gateway.batcher.waiting)


def choose_action(spec: Spec, label: str, confidence: float) -> str:
    """The label's action when the calibrated confidence reaches its threshold, else `review`."""
    found = next(each for each in spec.label if each.name == label)
    return found.action if confidence >= found.threshold else "review"


def _check_texts(gateway: Gateway, name: str, texts: Sequence[str]) -> None:
    """Raise `Refusal` for too many texts, or one that intake would not take."""
    limits = gateway.settings
    if len(texts) > limits.max_batch_texts:
        raise Refusal(413, "too_many", f"More than {limits.max_batch_texts} texts.", "Send fewer at a time.")
    longest = gateway.slots[name].spec.max_text_chars
    if any(len(text) > longest for text in texts):
        raise Refusal(422, "bad_body", f"text: longer than {longest} characters.", "Send shorter texts.")


def _compose(choice: Choice, ids: Sequence[str], found: Predictions) -> list[Answer]:
    slot: Literal["live", "candidate"] = "candidate" if choice.slot == CANDIDATE else "live"
    unknown = dict.fromkeys(choice.spec.labels, 0.0)  # labels that are newer than the adapter
    return [
        Answer(
            request_id=request_id,
            label=label,
            confidence=float(confidence),
            probabilities={**unknown, **dict(zip(choice.predictor.labels, map(float, row), strict=True))},
            action=choose_action(choice.spec, label, float(confidence)),
            adapter=choice.digest,
            slot=slot,
        )
        for request_id, label, confidence, row in zip(ids, found.labels, found.confidence, found.probabilities, strict=True)
    ]


async def _land(gateway: Gateway, classifier: str, rows: Sequence[dict[str, Any]]) -> bool:
    """Land request rows; False when that failed. Waits for the disk only when asked to be durable, or once it refused a row."""
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
    found = await asyncio.gather(*map(asyncio.wrap_future, waiting), return_exceptions=True)
    return not any(isinstance(each, BaseException) for each in found)
