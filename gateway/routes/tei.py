"""Protocol of Text Embeddings Inference: `POST /predict`, `GET /info`, `GET /health`, and its form of an error.

A request names no model: the default classifier answers. `POST /` and `/models/{name}` are for clients of the Hub's
inference API, such as huggingface_hub's. Add here what those clients ask for; bodies are in `tei_schemas.py`.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse

from gateway.errors import RequestError, Shape
from gateway.routes.auth import need
from gateway.routes.classify import ask
from gateway.routes.default_classifier import default_classifier, name_answers, raw_score
from gateway.routes.request_body import body_of, described
from gateway.routes.tei_schemas import ErrorResponse, Info, Predict, Prediction
from gateway.schemas import Answer
from gateway.state import gateway_of

router = APIRouter()
_KINDS: Mapping[int, str] = {
    413: "Validation",
    415: "Validation",
    422: "Tokenizer",
    429: "Overloaded",
    503: "Unhealthy",
}
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorResponse, "description": text}
    for status, text in {
        401: "No valid key.",
        403: "The key lacks the scope.",
        404: "No such classifier, or no default one, serves.",
        413: "The batch or the body is too large.",
        415: "The body is not application/json.",
        422: "The body is not as described, or a text cannot be read.",
        429: "Too many texts are waiting, or the key asked too often.",
        500: "A fault of the gateway.",
        503: "Nothing can answer now.",
    }.items()
}


@router.post(
    "/predict", response_model=list[Prediction] | list[list[Prediction]], responses=_ERRORS,
    openapi_extra=described(Predict),
    dependencies=[Depends(need("classify"))], summary="Classify, as Text Embeddings Inference does",
)  # fmt: skip
@router.post(
    "/", response_model=list[Prediction] | list[list[Prediction]], responses=_ERRORS,
    openapi_extra=described(Predict),
    dependencies=[Depends(need("classify"))], summary="Classify, as an inference endpoint does",
)  # fmt: skip
async def predict(
    request: Request, response: Response, body: Annotated[Predict, Depends(body_of(Predict))]
) -> list[Prediction] | list[list[Prediction]]:
    """Return every label with its calibrated probability, likeliest first: a list for a text, or a list of lists."""
    return await _predict(request, response, default_classifier(gateway_of(request)), body)


@router.post(
    "/models/{name}", response_model=list[Prediction] | list[list[Prediction]], responses=_ERRORS,
    openapi_extra=described(Predict),
    dependencies=[Depends(need("classify"))], summary="Classify by name, as the Hub's inference API does",
)  # fmt: skip
async def predict_by_name(
    request: Request, response: Response, name: str, body: Annotated[Predict, Depends(body_of(Predict))]
) -> list[Prediction] | list[list[Prediction]]:
    """Return what `/predict` returns, by the classifier of the path."""
    return await _predict(request, response, name, body)


async def _predict(
    request: Request, response: Response, name: str, body: Predict
) -> list[Prediction] | list[list[Prediction]]:
    (texts, batch), raw = body.texts(), body.raw()
    classified = await ask(request, response, name, texts, calibrated=True)
    name_answers(response, classified.answers)
    predictions = [_rank(answer, raw=raw)[: body.most()] for answer in classified.answers]
    return predictions if batch else predictions[0]


@router.get(
    "/info", response_model=Info, responses={status: _ERRORS[status] for status in (401, 403, 404, 429)},
    dependencies=[Depends(need("classify"))], summary="Default classifier, as Text Embeddings Inference shows it",
)  # fmt: skip
async def info(request: Request) -> dict[str, Any]:
    """Return the default classifier, its live adapter, and the limits on a request."""
    gateway = gateway_of(request)
    name, limits = default_classifier(gateway), gateway.settings
    served = gateway.slots[name]
    labels, tokens = list(enumerate(served.spec.labels)), served.predictors[served.rollout.live].tokenizer.max_tokens
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


@router.get("/health", response_class=Response, responses={503: _ERRORS[503]}, summary="Something can answer")
async def health(request: Request) -> Response:
    """Return 200 without a body while a classifier serves; `/readyz` also says what is wrong."""
    if gateway_of(request).slots.names():
        return Response()
    return JSONResponse(error_shape(RequestError(503, "unready", "No classifier serves here.")), 503)


def error_shape(error: RequestError) -> dict[str, Any]:
    """Return the JSON body of an error as those clients read it."""
    message = f"{error.problem.message} {error.problem.hint}".strip()
    return {
        "error": message,
        "error_type": _KINDS.get(error.status, "Backend" if error.status >= 500 else "Validation"),
    }


ERROR_SHAPES: Mapping[str, Shape] = dict.fromkeys(("/predict", "/", "/models/{name}", "/info", "/health"), error_shape)


def _rank(answer: Answer, *, raw: bool) -> list[Prediction]:
    ordered = sorted(answer.probabilities.items(), key=lambda pair: -pair[1])
    return [Prediction(label=label, score=raw_score(share) if raw else share) for label, share in ordered]
