"""Classification route: checks the texts, has them answered (`gateway/answering.py`), and stores the rows.

Add here the steps of every classification; the protocols of other servers are in `tei.py` and `vllm.py`.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import ClientDisconnect

from gateway.answering import answer_texts
from gateway.background import run_after_response
from gateway.errors import RequestError, unknown_classifier
from gateway.routes.auth import caller_of, need
from gateway.routes.request_body import REFUSED, body_of, described
from gateway.row_log import REQUESTS
from gateway.schemas import Answer, Answers, Question
from gateway.serving.slots import SlotChoice
from gateway.state import Gateway, gateway_of
from ratchet.data.user_hmac import user_hmac
from ratchet.review.causes import AnsweredRequest

router = APIRouter()
FAILED = "candidate_failed"
Result = TypeVar("Result")


@router.post(
    "/v1/classifiers/{name}", response_model=Answer | Answers, responses=REFUSED, openapi_extra=described(Question),
    dependencies=[Depends(need("classify"))], summary="Classify one text or several",
)  # fmt: skip
async def classify(
    request: Request, response: Response, name: str, question: Annotated[Question, Depends(body_of(Question))]
) -> Answer | Answers:
    """Return one of the classifier's labels, its calibrated confidence and its action."""
    if (question.text is None) == (question.texts is None):
        raise RequestError(
            422, "bad_body", "Give either text or texts.", 'Send {"text": "..."} or {"texts": ["...", "..."]}.'
        )
    texts = [question.text] if question.text is not None else list(question.texts or [])
    classified = await ask(request, response, name, texts, question.user_id)
    return classified.answers[0] if question.text is not None else Answers(answers=classified.answers)


@dataclass(frozen=True)
class Classified:
    """Result of one request: the adapter that answered, and the answers in the order of the texts."""

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
    """Classify texts with classifier `name`, for every route that answers. Raises `RequestError`.

    `calibrated` is for clients that need probabilities: the edge path is skipped.
    """
    gateway, started = gateway_of(request), time.monotonic()
    if name not in gateway.slots:
        raise unknown_classifier(gateway.slots.names())
    _check_texts(gateway, name, texts)
    asker, access = caller_of(request).name, request.app.state.access
    access.charge(asker, len(texts) - 1)  # one was counted when the request came in
    ids = [gateway.ids.make(name, asker) for _ in texts]
    answer = partial(gateway.batcher.answer, caller=asker, shares=len(access.keys) > 1)
    choice, path_answers, answers, failed = await _while_connected(
        request, answer_texts(gateway, answer, name, user_id or ids[0], ids, texts, calibrated=calibrated)
    )
    # no flag chose live for a user whose candidate failed
    reason = choice.flag_reason if failed is None else FAILED
    shared: dict[str, Any] = {"ts": gateway.settings.now().isoformat(), "flag_reason": reason}
    user = user_id or ""
    shared["user_hmac"] = user_hmac(gateway.ids.secret, name, user)
    shared["latency_ms"] = (time.monotonic() - started) * 1000
    rows = [
        {**answer.model_dump(exclude={"probabilities"}), **shared, "text": text}
        for answer, text in zip(answers, texts, strict=True)
    ]
    if not await _land(gateway, name, rows):
        response.headers["X-Ratchet-Logged"] = "0"
    compared = len(gateway.slots[name].rollout.adapters) > 1
    answered = [
        AnsweredRequest(each.request_id, text, choice.slot, each.label, each.confidence, user)
        for each, text in zip(answers, texts, strict=True)
    ]
    run_after_response(request, partial(gateway.feed.note_answers, name, choice.spec, answered, compared=compared))
    if failed is None:
        run_after_response(request, partial(gateway.shadowing.follow_up, name, choice, ids, texts, path_answers, user))
    else:  # the failure is the other half of the pair: a second attempt might succeed, and hide it
        gateway.shadowing.note_failure(name, choice, ids, path_answers, *failed, user)
    gateway.metrics.requests.labels(name, choice.slot, "200").inc()
    for (path, runtime), count in Counter((each.path, each.runtime) for each in path_answers).items():
        gateway.metrics.paths.labels(name, path, runtime).inc(count)
    gateway.metrics.duration.labels(name).observe(time.monotonic() - started)
    return Classified(choice, answers)


async def _while_connected(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Return the result of `work`; if the client hangs up, its texts leave the queue, and `ClientDisconnect` is raised.

    The body was read to its end, so that the next message is the client's end.
    """
    working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(request.receive())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        for task in (working, leaving):
            task.cancel()


def _check_texts(gateway: Gateway, name: str, texts: Sequence[str]) -> None:
    """Raise `RequestError` for too many texts, or for one that intake would reject."""
    limits = gateway.settings
    if len(texts) > limits.max_batch_texts:
        raise RequestError(413, "too_many", f"More than {limits.max_batch_texts} texts.", "Send fewer at a time.")
    longest = gateway.slots[name].spec.max_text_chars
    if any(len(text) > longest for text in texts):
        raise RequestError(422, "bad_body", f"text: longer than {longest} characters.", "Send shorter texts.")


async def _land(gateway: Gateway, classifier: str, rows: Sequence[dict[str, Any]]) -> bool:
    """Store request rows; False if that failed. Waits for the disk only if `durable`, or while rows fail."""
    log_failures = gateway.metrics.log_failures.labels(classifier)
    try:
        waiting = [gateway.landing.append(classifier, REQUESTS, row) for row in rows]
    except OSError:
        log_failures.inc(len(rows))
        return False
    for future in waiting:
        future.add_done_callback(lambda done: log_failures.inc() if done.exception() else None)
    if not gateway.settings.durable and not gateway.landing.trouble:
        return True
    outcomes = await asyncio.gather(*map(asyncio.wrap_future, waiting), return_exceptions=True)
    return not any(isinstance(each, BaseException) for each in outcomes)
