"""What clients of Text Embeddings Inference speak: `POST /predict`, `GET /info`, `GET /health`, and its form of a
refusal.

A request names no model: the default classifier answers. Add here what those clients ask; what a body may hold is
`tei_schemas.py`.
"""

import math
from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from gateway.errors import RequestError, Shape
from gateway.routes.auth import need
from gateway.routes.classify import ask
from gateway.routes.default_classifier import default_classifier, name_answers
from gateway.routes.request_body import body_of, described
from gateway.routes.tei_schemas import ErrorResponse, Info, Predict, Prediction
from gateway.schemas import Answer
from gateway.state import gateway_of

router = APIRouter()
_KINDS: Mapping[int, str] = {413: "Validation", 422: "Tokenizer", 429: "Overloaded", 503: "Unhealthy"}
_REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": said}
    for status, said in {
        401: "No valid key.",
        403: "The key lacks the scope.",
        404: "No classifier is the default.",
        413: "The batch or the body is too large.",
        422: "The body is not as described, or a text cannot be read.",
        429: "Too much waits already, or the key asked too often.",
        500: "A fault of the gateway.",
        503: "Nothing can answer now.",
    }.items()
}
_LEAST = 1e-300  # the logarithm of a probability that was rounded to nothing is still a number


@router.post(
    "/predict", response_model=list[Prediction] | list[list[Prediction]], responses=_REFUSED,
    openapi_extra=described(Predict),
    dependencies=[Depends(need("classify"))], summary="Classify, as Text Embeddings Inference does",
)  # fmt: skip
async def predict(
    request: Request, response: Response, body: Annotated[Predict, Depends(body_of(Predict))]
) -> list[Prediction] | list[list[Prediction]]:
    """Every label with its calibrated probability, the likeliest first: one list for a text, a list of lists for a
    batch."""
    texts, batch = body.texts()
    asked = await ask(request, response, default_classifier(gateway_of(request)), texts, calibrated=True)
    name_answers(response, asked.answers)
    result = [_rank(answer, raw=body.raw_scores) for answer in asked.answers]
    return result if batch else result[0]


@router.get(
    "/info", response_model=Info, responses={status: _REFUSED[status] for status in (401, 403, 404, 429)},
    dependencies=[Depends(need("classify"))], summary="What serves, as Text Embeddings Inference says it",
)  # fmt: skip
async def info(request: Request) -> dict[str, Any]:
    """The default classifier, its live adapter, and the limits on a request."""
    gateway = gateway_of(request)
    name, limits = default_classifier(gateway), gateway.settings
    served = gateway.slots[name]
    labels, truncation = (
        list(enumerate(served.spec.labels)),
        served.predictors[served.rollout.live].tokenizer.truncation,
    )
    tokens = int(truncation["max_length"]) if truncation else 0
    label_ids = {"id2label": {str(n): label for n, label in labels}, "label2id": {label: n for n, label in labels}}
    return {
        "model_id": name,
        "model_sha": served.rollout.live,
        "model_dtype": "float32",
        "model_type": {"classifier": label_ids},
        "max_concurrent_requests": limits.max_waiting,
        "max_input_length": tokens,
        "max_batch_tokens": tokens * limits.max_batch_texts,
        "max_batch_requests": limits.max_batch_texts,
        "max_client_batch_size": limits.max_batch_texts,
        "auto_truncate": True,
        "tokenization_workers": 1,
        "version": version("ratchet"),
    }


@router.get("/health", response_class=Response, responses={503: _REFUSED[503]}, summary="Something can answer")
async def health(request: Request) -> Response:
    """200 without a body while a classifier serves; `/readyz` also says what is amiss."""
    if gateway_of(request).slots.names():
        return Response()
    return JSONResponse(error_shape(RequestError(503, "unready", "No classifier serves here.")), 503)


def error_shape(refusal: RequestError) -> dict[str, Any]:
    """A refusal as those clients read it."""
    said = f"{refusal.problem.message} {refusal.problem.hint}".strip()
    return {
        "error": said,
        "error_type": _KINDS.get(refusal.status, "Backend" if refusal.status >= 500 else "Validation"),
    }


REFUSAL_SHAPES: Mapping[str, Shape] = dict.fromkeys(("/predict", "/info", "/health"), error_shape)


def _rank(answer: Answer, *, raw: bool) -> list[Prediction]:
    ordered = sorted(answer.probabilities.items(), key=lambda found: -found[1])
    return [Prediction(label=label, score=math.log(max(share, _LEAST)) if raw else share) for label, share in ordered]
