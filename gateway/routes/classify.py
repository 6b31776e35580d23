"""Classification route: chooses the adapter, puts the texts into a batch, and stores the rows.

Add here the steps of every classification; the protocols of other servers are in `tei.py` and `vllm.py`.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from starlette.requests import ClientDisconnect

from gateway.background import run_after_response
from gateway.errors import RequestError, unknown_classifier
from gateway.routes.auth import caller_of, need
from gateway.routes.request_body import REFUSED, body_of, described
from gateway.row_log import REQUESTS
from gateway.schemas import Answer, Answers, Question
from gateway.serving.batching import OverloadedError
from gateway.serving.paths import AskBatcher, PathAnswer, ask_paths
from gateway.serving.slots import SlotChoice
from gateway.state import Gateway, gateway_of
from ratchet.config.spec import Spec
from ratchet.rollout.flag import CANDIDATE

router = APIRouter()
_LOG = logging.getLogger("ratchet.gateway")
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
        request, _answer(gateway, answer, name, user_id or ids[0], ids, texts, calibrated=calibrated)
    )
    shared = {"ts": datetime.now(UTC).isoformat(), "latency_ms": (time.monotonic() - started) * 1000}
    rows = [
        {**answer.model_dump(exclude={"probabilities"}), **shared, "text": text}
        for answer, text in zip(answers, texts, strict=True)
    ]
    if not await _land(gateway, name, rows):
        response.headers["X-Ratchet-Logged"] = "0"
    if failed is None:
        run_after_response(request, partial(gateway.shadowing.follow_up, name, choice, ids, texts, path_answers))
    else:  # the failure is the other half of the pair: a second attempt might succeed, and hide it
        gateway.shadowing.note_failure(name, choice, ids, path_answers, *failed)
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


SlotAnswers = tuple[SlotChoice, list[PathAnswer], list[Answer]]
"""Choice that answered, its answers, and the same answers as the client gets them."""


async def _answer(
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
    entry = next(each for each in spec.label if each.name == label)
    return entry.action if (confidence or 0.0) >= entry.threshold else "review"


def _check_texts(gateway: Gateway, name: str, texts: Sequence[str]) -> None:
    """Raise `RequestError` for too many texts, or for one that intake would reject."""
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
