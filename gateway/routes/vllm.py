"""Protocol of vLLM: `POST /v1/classify` and `GET /v1/models`; SGLang and dynamo use the same one.

`model` names the classifier. Add here what those clients send; errors keep the gateway's own form, whose
`error.message` these clients read as well.
"""

import asyncio
import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from gateway.routes.auth import need
from gateway.routes.classify import ask
from gateway.routes.default_classifier import default_classifier, name_answers
from gateway.routes.request_body import REFUSED, body_of, described
from gateway.schemas import Id, Strict, Text
from gateway.state import gateway_of
from ratchet.models.tokenization import encode_texts

router = APIRouter()


class Classify(Strict):
    """One text or several, for the classifier `model`."""

    model: Id | None = Field(None, description="The classifier; if absent, the default classifier.")
    input: Text | Annotated[list[Text], Field(min_length=1, max_length=1024)]
    user: Id | None = Field(None, description="Keeps a user in the same bucket of a rollout.")
    truncate_prompt_tokens: int | None = Field(
        None, ge=-1, le=2**31 - 1, description="Accepted and ignored: a text is always cut to what the model reads."
    )


class Classification(BaseModel):
    """Classification of one text."""

    index: int
    label: str
    probs: list[float] = Field(description="Calibrated, in the order of the classifier's labels; they sum to 1.")
    num_classes: int


class Usage(BaseModel):
    """Number of tokens that the model read."""

    prompt_tokens: int
    total_tokens: int
    completion_tokens: Literal[0] = 0


class Classifications(BaseModel):
    """Answers to all texts, in their order."""

    id: str
    object: Literal["list"] = "list"
    created: int = Field(description="Seconds since 1970.")
    model: str
    data: list[Classification]
    usage: Usage


class Model(BaseModel):
    """One classifier that serves."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="Seconds since 1970, at the time of this request.")
    owned_by: Literal["ratchet"] = "ratchet"
    root: str = Field(description="Digest of the live adapter.")


class Models(BaseModel):
    """List of the classifiers that serve."""

    object: Literal["list"] = "list"
    data: list[Model]


@router.post(
    "/v1/classify", response_model=Classifications, responses=REFUSED, openapi_extra=described(Classify),
    dependencies=[Depends(need("classify"))], summary="Classify, as vLLM does",
)  # fmt: skip
async def classify(
    request: Request, response: Response, body: Annotated[Classify, Depends(body_of(Classify))]
) -> Classifications:
    """Return the label of each text, with the calibrated probability of every label."""
    texts = [body.input] if isinstance(body.input, str) else list(body.input)
    name = body.model or default_classifier(gateway_of(request))
    classified = await ask(request, response, name, texts, body.user, calibrated=True)
    name_answers(response, classified.answers)
    data = [
        Classification(
            index=n,
            label=answer.label,
            probs=list(answer.probabilities.values()),
            num_classes=len(answer.probabilities),
        )
        for n, answer in enumerate(classified.answers)
    ]
    # The batch does not report tokens, so the texts are encoded again, in a thread to keep the event loop free.
    tokens = await asyncio.to_thread(lambda: sum(map(len, encode_texts(classified.choice.predictor.tokenizer, texts))))
    usage = Usage(prompt_tokens=tokens, total_tokens=tokens)
    return Classifications(
        id=f"classify-{classified.answers[0].request_id}",
        created=int(time.time()),
        model=name,
        data=data,
        usage=usage,
    )


@router.get(
    "/v1/models", response_model=Models, responses={status: REFUSED[status] for status in (401, 403, 429)},
    dependencies=[Depends(need("classify"))], summary="Classifiers that serve, as vLLM lists them",
)  # fmt: skip
async def models(request: Request) -> dict[str, Any]:
    """Return every classifier that can answer."""
    slots, now = gateway_of(request).slots, int(time.time())
    return {"data": [{"id": name, "created": now, "root": slots[name].rollout.live} for name in slots.names()]}
