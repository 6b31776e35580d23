"""How a request is refused: a status, a stable code, one sentence and its cure; never what the request held.

Add here other forms of the same answer; what is refused is decided where it is met.
"""

import logging
import traceback
from collections.abc import Callable
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from gateway.schemas import Problem
from ratchet.core.errors import RatchetError


class RequestError(Exception):
    """An answer that is no."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", *, retry_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.problem, self.retry_s = status, Problem(code=code, message=message, hint=hint), retry_s


def unknown_classifier(serving: list[str]) -> RequestError:
    """The answer to a name that nothing serves."""
    return RequestError(
        404, "no_classifier", "No such classifier serves here.", f"Serving: {', '.join(serving) or 'none'}."
    )


def explain(error: ValidationError, fields: list[str]) -> RequestError:
    """The first thing that is wrong with a body, by the name of its field and the rule, without its value.

    A key that is none of `fields` may be anybody's secret, so those that are taken are named in its place.
    """
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part)[:40] for part in first["loc"]) or "body"
    known = where if where.isprintable() and first["type"] != "extra_forbidden" else "body"
    taken = (
        f"Taken here: {', '.join(fields)}. " if first["type"] == "extra_forbidden" and len(first["loc"]) == 1 else ""
    )
    return RequestError(
        422, "bad_body", f"{known}: {first['msg']}."[:300], f"{taken}The fields are listed at /openapi.json."
    )


async def respond(request: Request, refusal: RequestError) -> JSONResponse:
    """A refusal as the response that FastAPI sends."""
    gateway, name = request.app.state.gateway, request.path_params.get("name", "")
    gateway.metrics.requests.labels(name if name in gateway.slots else "", "", str(refusal.status)).inc()
    headers = {"Retry-After": str(refusal.retry_s)} if refusal.retry_s is not None else None
    shape = request.app.state.refusal_shapes.get(request.url.path, _own_shape)
    return JSONResponse(shape(refusal), refusal.status, headers)


Shape = Callable[[RequestError], dict[str, Any]]
"""How a refusal is written; routes that speak another server's language have their own, by path."""


def _own_shape(refusal: RequestError) -> dict[str, Any]:
    return {"error": refusal.problem.model_dump()}


async def answer_http(request: Request, error: HTTPException) -> JSONResponse:
    """What the router itself refuses: no such route, or not by this method."""
    said = {404: "No such route.", 405: "The route does not take this method."}.get(
        error.status_code, "The request cannot be taken."
    )
    result = await respond(
        request, RequestError(error.status_code, "http", said, "The routes are listed at /openapi.json.")
    )
    result.headers.update(error.headers or {})
    return result


async def answer_crash(request: Request, error: Exception) -> JSONResponse:
    """A fault of ours: 500 in the form of every refusal. The log gets its kind and place, not its words: they may hold
    a text."""
    result = traceback.extract_tb(error.__traceback__)
    where = f"{result[-1].name} line {result[-1].lineno}" if result else "unknown"
    logging.getLogger("ratchet.gateway").error("a request failed: %s in %s", type(error).__name__, where)
    return await respond(
        request, RequestError(500, "fault", "The gateway failed on this request.", "The operator's log says where.")
    )


async def answer_fault(request: Request, error: RatchetError) -> JSONResponse:
    """What the operator must mend, met while answering: 503, and the sentence in the log only."""
    logging.getLogger("ratchet.gateway").error("%s: %s", error.code, error)
    refusal = RequestError(
        503, error.code, "The classifier cannot answer now.", "Ask again later; the operator's log says why.", retry_s=5
    )
    return await respond(request, refusal)
