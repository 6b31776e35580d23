"""Protocol of vLLM: `POST /classify` and `/v1/classify`, `GET /v1/models`; SGLang and dynamo use the same one.

`model` names the classifier. Add here what those clients ask for; bodies are in `vllm_schemas.py`. Errors keep the
gateway's own form, whose `error.message` these clients read as well.
"""

import asyncio
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from gateway.routes.auth import need
from gateway.routes.classify import ask
from gateway.routes.default_classifier import default_classifier, name_answers, raw_score
from gateway.routes.request_body import REFUSED, UNSUPPORTED, body_of, described
from gateway.routes.vllm_schemas import Classification, Classifications, Classify, Models, Usage
from gateway.state import gateway_of
from ratchet.models.tokenization import encode_texts

router = APIRouter()


@router.post(
    "/classify", response_model=Classifications, responses={**REFUSED, **UNSUPPORTED},
    openapi_extra=described(Classify),
    dependencies=[Depends(need("classify"))], summary="Classify, as vLLM does",
)  # fmt: skip
@router.post(
    "/v1/classify", response_model=Classifications, responses={**REFUSED, **UNSUPPORTED},
    openapi_extra=described(Classify),
    dependencies=[Depends(need("classify"))], summary="Classify, as vLLM does",
)  # fmt: skip
async def classify(
    request: Request, response: Response, body: Annotated[Classify, Depends(body_of(Classify))]
) -> Classifications:
    """Return the label of each text, with the calibrated probability of every label."""
    texts, name = body.texts(), body.model or default_classifier(gateway_of(request))
    classified = await ask(request, response, name, texts, body.user, calibrated=True)
    name_answers(response, classified.answers)
    data = [
        Classification(
            index=n,
            label=answer.label,
            probs=[raw_score(share) if body.raw else share for share in answer.probabilities.values()],
            num_classes=len(answer.probabilities),
        )
        for n, answer in enumerate(classified.answers)
    ]
    # The batch does not report tokens, so the texts are encoded again, in a thread to keep the event loop free.
    tokens = await asyncio.to_thread(lambda: sum(map(len, encode_texts(classified.choice.predictor.tokenizer, texts))))
    usage = Usage(prompt_tokens=tokens, total_tokens=tokens)
    return Classifications(
        id=f"classify-{body.request_id or classified.answers[0].request_id}",
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
