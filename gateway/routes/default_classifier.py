"""Default classifier for clients that name none, headers that carry the ids of answers, and raw scores.

Add here what the protocols of two other servers need; each protocol is in a module of its own.
"""

import math
from collections.abc import Sequence

from fastapi import Response

from gateway.errors import RequestError
from gateway.schemas import Answer
from gateway.state import Gateway

_MOST_IDS = 64  # proxies reject headers of more than a few kilobytes
_LEAST = 1e-300  # keeps the logarithm finite for a probability that was rounded to 0


def raw_score(probability: float) -> float:
    """Return the natural logarithm of a calibrated probability: softmax of these scores gives the probabilities."""
    return math.log(max(probability, _LEAST))


def default_classifier(gateway: Gateway) -> str:
    """Return the classifier that the operator set, else the only one that serves; raises `RequestError` if none."""
    serving = gateway.slots.names()
    if gateway.settings.default_classifier in serving or (
        len(serving) == 1 and gateway.settings.default_classifier is None
    ):
        return gateway.settings.default_classifier or serving[0]
    message = "No default classifier serves here." if serving else "No classifier serves here."
    hint = (
        f"Name one in the body or path (serving: {', '.join(serving) or 'none'}), or set"
        " RATCHET_GATEWAY_DEFAULT_CLASSIFIER."
    )
    raise RequestError(404, "no_default", message, hint[:300])


def name_answers(response: Response, answers: Sequence[Answer]) -> None:
    """Set headers with the adapter, and with the ids for feedback and corrections (for up to 64 texts)."""
    response.headers["X-Ratchet-Adapter"] = answers[0].adapter
    if len(answers) <= _MOST_IDS:
        response.headers["X-Ratchet-Request-Id"] = ", ".join(answer.request_id for answer in answers)
