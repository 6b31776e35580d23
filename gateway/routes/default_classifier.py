"""What all dialects share: who answers a client that names no classifier, and the ids of answers, which no dialect has
a field for.

Add here what two dialects need; what one of them says is its own module.
"""

from collections.abc import Sequence

from fastapi import Response

from gateway.errors import RequestError
from gateway.schemas import Answer
from gateway.state import Gateway

_MOST_IDS = 64  # proxies refuse headers of more than a few kilobytes


def default_classifier(gateway: Gateway) -> str:
    """The classifier that the operator set, else the only one that serves; raises `RequestError` when there is no such
    one."""
    serving = gateway.slots.names()
    if gateway.settings.default_classifier in serving or (
        len(serving) == 1 and gateway.settings.default_classifier is None
    ):
        return gateway.settings.default_classifier or serving[0]
    said = "No classifier is the default here." if serving else "No classifier serves here."
    hint = (
        f"Name one in the body or path (serving: {', '.join(serving) or 'none'}), or set"
        " RATCHET_GATEWAY_DEFAULT_CLASSIFIER."
    )
    raise RequestError(404, "no_default", said, hint[:300])


def name_answers(response: Response, answers: Sequence[Answer]) -> None:
    """Say in headers who answered, and by which ids feedback and corrections name the answers (for up to 64 texts)."""
    response.headers["X-Ratchet-Adapter"] = answers[0].adapter
    if len(answers) <= _MOST_IDS:
        response.headers["X-Ratchet-Request-Id"] = ", ".join(answer.request_id for answer in answers)
