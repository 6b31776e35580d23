"""The routes: read, ask the slots and the journals, answer. Every route but health names its scope.

Add a route here, with its scope and its schema; other shapes that clients already speak are in files beside this one.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError

from gateway.access import need
from gateway.batching import OverloadedError
from gateway.landing import CORRECTIONS, FEEDBACK, REQUESTS
from gateway.refusals import Refusal, explain
from gateway.schemas import Accepted, Answer, Answers, Correction, Feedback, Problem, Question, Strict
from gateway.state import Gateway, gateway_of
from ratchet.spec import Spec

router = APIRouter()
Body = TypeVar("Body", bound=Strict)
_REFUSALS = {
    401: "No valid key.",
    403: "The key lacks the scope.",
    404: "No such classifier serves.",
    413: "The body is too large.",
    422: "The body is not as described.",
    429: "Too much waits already, or the key asked too often.",
    507: "The disk is full.",
}
_REFUSED: dict[int | str, dict[str, Any]] = {status: {"model": Problem, "description": said} for status, said in _REFUSALS.items()}


def body_of(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """A dependency that reads a body of at most the permitted size and parses it strictly from its bytes."""

    async def read(request: Request) -> Body:
        limit, content = gateway_of(request).settings.max_body_bytes, b""
        async for part in request.stream():
            content += part
            if len(content) > limit:
                raise Refusal(413, "too_large", f"The body is larger than {limit} bytes.", "Send fewer or shorter texts at a time.")
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            raise explain(error) from None

    return read


def described(model: type[Strict]) -> dict[str, Any]:
    """The OpenAPI entry of a body that is parsed by `body_of`."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.post(
    "/v1/classifiers/{name}", response_model=Answer | Answers, responses=_REFUSED, openapi_extra=described(Question),
    dependencies=[Depends(need("classify"))], summary="Classify one text or several",
)  # fmt: skip
async def classify(
    request: Request,
    response: Response,
    name: str,
    question: Question = Depends(body_of(Question)),  # noqa: B008
) -> Answer | Answers:
    """Answer with one of the classifier's labels, its calibrated confidence, and what the specification does with it."""
    gateway, started = gateway_of(request), time.monotonic()
    if (question.text is None) == (question.texts is None):
        raise Refusal(422, "bad_body", "Give either text or texts.", 'Send {"text": "..."} or {"texts": ["...", "..."]}.')
    texts = [question.text] if question.text is not None else list(question.texts or [])
    if name not in gateway.slots:
        raise _unknown(gateway)
    if len(texts) > gateway.settings.max_batch_texts:
        raise Refusal(413, "too_many", f"More than {gateway.settings.max_batch_texts} texts.", "Send fewer at a time.")
    spec, ids = gateway.slots[name].spec, [f"{secrets.token_hex(16)}" for _ in texts]
    choice = gateway.slots.choose(name, question.user_id or ids[0])
    try:
        found = await gateway.batcher.answer(choice.predictor, texts)
    except OverloadedError:
        raise Refusal(429, "overloaded", "Too many texts wait already.", "Try again in a second.", retry_s=1) from None
    finally:
        gateway.metrics.waiting.set(gateway.batcher.waiting)
    took_ms, now = (time.monotonic() - started) * 1000, datetime.now(UTC).isoformat()
    answers = [
        Answer(
            request_id=request_id,
            label=label,
            confidence=float(confidence),
            probabilities=dict(zip(spec.labels, map(float, row), strict=True)),
            action=choose_action(spec, label, float(confidence)),
            adapter=choice.digest,
            slot="candidate" if choice.slot == "candidate" else "live",
        )
        for request_id, label, confidence, row in zip(ids, found.labels, found.confidence, found.probabilities, strict=True)
    ]
    rows = [
        {
            "request_id": a.request_id, "ts": now, "text": text, "label": a.label, "confidence": a.confidence, "adapter": a.adapter,
            "latency_ms": took_ms, "slot": a.slot, "action": a.action,
        }
        for a, text in zip(answers, texts, strict=True)
    ]  # fmt: skip
    if not await _log(gateway, name, rows):
        response.headers["X-Ratchet-Logged"] = "0"
    gateway.metrics.requests.labels(name, choice.slot, "200").inc()
    gateway.metrics.duration.labels(name).observe(time.monotonic() - started)
    return answers[0] if question.text is not None else Answers(answers=answers)


@router.post(
    "/v1/feedback", response_model=Accepted, status_code=202, responses=_REFUSED, openapi_extra=described(Feedback),
    dependencies=[Depends(need("feedback"))], summary="A user's word on an answer",
)  # fmt: skip
async def take_feedback(request: Request, feedback: Feedback = Depends(body_of(Feedback))) -> Accepted:  # noqa: B008
    """Keep what a user says: it sends the request to review, and becomes no label. Acknowledged when it is on disk."""
    gateway = gateway_of(request)
    _check_label(gateway, feedback.classifier, feedback.label)
    row = {**feedback.model_dump(exclude={"classifier"}), "ts": datetime.now(UTC).isoformat()}
    await _store(gateway, feedback.classifier, FEEDBACK, row)
    return Accepted(request_id=feedback.request_id)


@router.post(
    "/v1/corrections", response_model=Accepted, status_code=201, responses=_REFUSED, openapi_extra=described(Correction),
    dependencies=[Depends(need("annotate"))], summary="An annotator's label",
)  # fmt: skip
async def take_correction(request: Request, correction: Correction = Depends(body_of(Correction))) -> Accepted:  # noqa: B008
    """Keep a trusted annotator's label. Acknowledged when it is on disk."""
    gateway, now = gateway_of(request), datetime.now(UTC)
    _check_label(gateway, correction.classifier, correction.label)
    ts = correction.ts or now
    if ts.tzinfo is None or ts > now:
        raise Refusal(
            422, "bad_time", "ts: a time with a zone that is not in the future is needed.", "Leave ts out, or send RFC 3339."
        )
    row = {**correction.model_dump(exclude={"classifier", "ts"}), "ts": ts.astimezone(UTC).isoformat()}
    await _store(gateway, correction.classifier, CORRECTIONS, row)
    return Accepted(request_id=correction.request_id)


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    """Always the same while the process can answer at all."""
    return {"status": "ok"}


@router.get("/readyz", summary="Traffic can be answered")
async def readyz(request: Request) -> JSONResponse:
    """200 when something serves and nothing is amiss; 503 with the reason by classifier otherwise."""
    gateway = gateway_of(request)
    problems = {name: said.split(" hint: ")[0] for name, said in gateway.slots.problems.items()}
    ready = bool(gateway.slots.names()) and not problems
    return JSONResponse({"ready": ready, "serving": gateway.slots.names(), "problems": problems}, 200 if ready else 503)


@router.get("/metrics", summary="For Prometheus", dependencies=[Depends(need("admin"))])
async def metrics(request: Request) -> Response:
    """The text format of Prometheus."""
    gateway = gateway_of(request)
    for name in gateway.slots.names():
        rollout = gateway.slots[name].rollout
        gateway.metrics.weight.labels(name, "live").set(1 - rollout.percent / 100)
        gateway.metrics.weight.labels(name, "candidate").set(rollout.percent / 100)
        for slot, digest in rollout.adapters.items():
            gateway.metrics.adapter.labels(name, slot, digest).set(1)
    return Response(generate_latest(gateway.metrics.registry), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/status", summary="What serves now", dependencies=[Depends(need("classify"))])
async def status(request: Request) -> dict[str, Any]:
    """Digest by slot and the share of users that the candidate answers, for each classifier."""
    gateway = gateway_of(request)
    return {
        "classifiers": {
            name: {
                "labels": list(gateway.slots[name].spec.labels),
                "adapters": gateway.slots[name].rollout.adapters,
                "candidate_percent": gateway.slots[name].rollout.percent,
                "killed": gateway.slots[name].rollout.killed,
                "problem": gateway.slots.problems.get(name, ""),
            }
            for name in gateway.slots.names()
        },
        "waiting": gateway.batcher.waiting,
    }


def choose_action(spec: Spec, label: str, confidence: float) -> str:
    """The label's action when the calibrated confidence reaches its threshold, else `review`."""
    found = next(each for each in spec.label if each.name == label)
    return found.action if confidence >= found.threshold else "review"


def _check_label(gateway: Gateway, classifier: str, label: str | None) -> None:
    if classifier not in gateway.slots:
        raise _unknown(gateway)
    labels = gateway.slots[classifier].spec.labels
    if label is not None and label not in labels:
        raise Refusal(422, "bad_label", "label: it is not one of the classifier's.", f"Labels: {', '.join(labels)}."[:300])


def _unknown(gateway: Gateway) -> Refusal:
    return Refusal(
        404, "no_classifier", "No such classifier serves here.", f"Serving: {', '.join(gateway.slots.names()) or 'none'}."
    )


async def _store(gateway: Gateway, classifier: str, kind: str, row: dict[str, Any]) -> None:
    try:
        await asyncio.wrap_future(gateway.landing.journal(classifier, kind).append(row))
    except OSError:
        raise Refusal(507, "disk", "The row could not be written to disk.", "Send it again later.", retry_s=5) from None


async def _log(gateway: Gateway, classifier: str, rows: list[dict[str, Any]]) -> bool:
    """Land request rows; False when that is known to have failed. Waits for the disk only when asked to be durable."""
    try:
        waiting = [gateway.landing.journal(classifier, REQUESTS).append(row) for row in rows]
        for future in waiting:
            future.add_done_callback(lambda done: gateway.metrics.unlogged.labels(classifier).inc() if done.exception() else None)
        if gateway.settings.durable:
            await asyncio.gather(*map(asyncio.wrap_future, waiting))
    except OSError:
        return False
    return True
