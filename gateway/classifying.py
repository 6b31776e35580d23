"""The route that answers: who answers is chosen, the batch is asked, the rows are landed.

Add here other ways to ask the same question, such as the shapes that clients of other servers speak.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, BackgroundTasks, Depends, Request, Response

from gateway.access import need
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
    request: Request,
    response: Response,
    afterwards: BackgroundTasks,
    name: str,
    question: Annotated[Question, Depends(body_of(Question))],
) -> Answer | Answers:
    """Answer with one of the classifier's labels, its calibrated confidence, and what the specification does with it."""
    gateway, started = gateway_of(request), time.monotonic()
    if name not in gateway.slots:
        raise unknown_classifier(gateway.slots.names())
    texts, ids = _read_texts(gateway, name, question), [secrets.token_hex(16) for _ in question.texts or [""]]
    choice, found = await _ask(gateway, name, question.user_id or ids[0], ids, texts)
    answers = _compose(choice, ids, found)
    shared = {"ts": datetime.now(UTC).isoformat(), "latency_ms": (time.monotonic() - started) * 1000}
    rows = [
        {**answer.model_dump(exclude={"probabilities"}), **shared, "text": text}
        for answer, text in zip(answers, texts, strict=True)
    ]
    if not await _land(gateway, name, rows):
        response.headers["X-Ratchet-Logged"] = "0"
    afterwards.add_task(gateway.shadowing.follow_up, name, choice, ids, texts, found)
    gateway.metrics.requests.labels(name, choice.slot, "200").inc()
    gateway.metrics.duration.labels(name).observe(time.monotonic() - started)
    return answers[0] if question.text is not None else Answers(answers=answers)


def choose_action(spec: Spec, label: str, confidence: float) -> str:
    """The label's action when the calibrated confidence reaches its threshold, else `review`."""
    found = next(each for each in spec.label if each.name == label)
    return found.action if confidence >= found.threshold else "review"


async def _ask(gateway: Gateway, name: str, key: str, ids: list[str], texts: list[str]) -> tuple[Choice, Answered]:
    """Who answers, and the answers. A candidate that fails costs no user an answer: live gives it, and the failure counts."""
    choice = gateway.slots.choose(name, key)
    try:
        return choice, await gateway.batcher.answer(choice.predictor, texts)
    except OverloadedError:
        raise Refusal(429, "overloaded", "Too many texts wait already.", "Try again in a second.", retry_s=1) from None
    except Exception as error:
        if choice.slot != CANDIDATE:
            raise
        live = gateway.slots.live(name)
        found = await gateway.batcher.answer(live.predictor, texts)
        gateway.shadowing.note_failure(name, live, ids, found, choice.digest, error)
        return live, found
    finally:
        gateway.metrics.waiting.set(gateway.batcher.waiting)


def _read_texts(gateway: Gateway, name: str, question: Question) -> list[str]:
    """The texts of a question; raises `Refusal` for none, too many, or one that intake would not take."""
    if (question.text is None) == (question.texts is None):
        raise Refusal(422, "bad_body", "Give either text or texts.", 'Send {"text": "..."} or {"texts": ["...", "..."]}.')
    texts, limits = [question.text] if question.text is not None else list(question.texts or []), gateway.settings
    if len(texts) > limits.max_batch_texts:
        raise Refusal(413, "too_many", f"More than {limits.max_batch_texts} texts.", "Send fewer at a time.")
    longest = gateway.slots[name].spec.max_text_chars
    if any(len(text) > longest for text in texts):
        raise Refusal(422, "bad_body", f"text: longer than {longest} characters.", "Send shorter texts.")
    return texts


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
    """Land request rows; False when that is known to have failed. Waits for the disk only when asked to be durable."""
    unlogged = gateway.metrics.unlogged.labels(classifier)
    try:
        waiting = [gateway.landing.journal(classifier, REQUESTS).append(row) for row in rows]
    except OSError:
        unlogged.inc(len(rows))
        return False
    for future in waiting:
        future.add_done_callback(lambda done: unlogged.inc() if done.exception() else None)
    if not gateway.settings.durable:
        return True
    found = await asyncio.gather(*map(asyncio.wrap_future, waiting), return_exceptions=True)
    return not any(isinstance(each, BaseException) for each in found)
