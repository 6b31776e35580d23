"""Request errors: a status, a stable code, one sentence and a hint; never what the request held.

Add here other forms of the same response; each error is raised where it occurs.
"""

import logging
import traceback
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Scope

from gateway.observability.metrics import Metrics
from gateway.schemas import Problem
from ratchet.core.errors import RatchetError
from ratchet.rollout.page.rendering import render_refusal

PAGES = ("/rollout/", "/reports/", "/trends/", "/review", "/login", "/logout", "/why/")
"""Beginnings of the paths at which a person gets a page."""
_MOST_LISTED = 100
"""Errors of a body that are looked at: lists stop at their first (`fail_fast`), so more are unknown fields, and to list
thousands would stop the event loop."""


class RequestError(Exception):
    """Error response: HTTP status, code, message and hint, and the seconds after which a retry makes sense."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", *, retry_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.problem, self.retry_s = status, Problem(code=code, message=message, hint=hint), retry_s


def unknown_classifier(serving: list[str]) -> RequestError:
    """Return the error for a classifier that is not served."""
    return RequestError(
        404,
        "no_classifier",
        "This gateway does not serve that classifier.",
        f"Serving: {', '.join(serving) or 'none'}.",
    )


def explain(error: ValidationError, fields: list[str]) -> RequestError:
    """Return the first error of a body, by the name of its field and the rule, without its value.

    A key that is not in `fields` may be someone's secret, so the hint lists the known fields and never repeats the key.
    """
    if error.error_count() > _MOST_LISTED:
        return RequestError(
            422, "bad_body", "body: Extra inputs are not permitted.",
            f"Known fields: {', '.join(fields)}. The fields are listed at /openapi.json.",
        )  # fmt: skip
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part)[:40] for part in first["loc"]) or "body"
    known = where if where.isprintable() and first["type"] != "extra_forbidden" else "body"
    accepted = (
        f"Known fields: {', '.join(fields)}. " if first["type"] == "extra_forbidden" and len(first["loc"]) == 1 else ""
    )
    return RequestError(
        422, "bad_body", f"{known}: {first['msg']}."[:300], f"{accepted}The fields are listed at /openapi.json."
    )


async def respond(request: Request, error: RequestError) -> JSONResponse:
    """Return a request error as the response that FastAPI sends, and count it."""
    gateway, name = request.app.state.gateway, request.path_params.get("name", "")
    gateway.metrics.requests.labels(name if name in gateway.slots else "", "", str(error.status)).inc()
    headers = {"Retry-After": str(error.retry_s)} if error.retry_s is not None else None
    shape = _shape_of(request.app.state.error_shapes, request.url.path)
    return JSONResponse(shape(error), error.status, headers)


def answer_refused(
    metrics: Metrics, shapes: "Mapping[str, Shape]", scope: Scope, error: RequestError
) -> HTMLResponse | JSONResponse:
    """Return a request error that the guard found, in the form of the path, and count it. The connection ends."""
    metrics.requests.labels("", "", str(error.status)).inc()
    headers = {"Connection": "close"}  # what follows on it may be the rest of a body that nobody reads
    if scope["path"].startswith(PAGES) and not is_json_wanted(Headers(scope=scope)):
        return HTMLResponse(render_refusal(error.problem.message, error.problem.hint), error.status, headers)
    return JSONResponse(_shape_of(shapes, scope["path"])(error), error.status, headers)


def is_json_wanted(headers: Headers) -> bool:
    """Return True where a program asks at the address of a page: it takes JSON and no HTML, or it sends JSON."""
    taken = headers.get("accept", "")
    sent = headers.get("content-type", "").partition(";")[0].strip().lower()
    return sent == "application/json" or ("application/json" in taken and "text/html" not in taken)


Shape = Callable[[RequestError], dict[str, Any]]
"""JSON body of a request error; routes that speak another server's protocol have their own shape, by route."""


def _shape_of(shapes: Mapping[str, Shape], path: str) -> Shape:
    """Return the shape of a path, or of the route with a name at its end that it belongs to."""
    return shapes.get(path) or shapes.get(f"{path.rpartition('/')[0]}/{{name}}", _own_shape)


def _own_shape(error: RequestError) -> dict[str, Any]:
    return {"error": error.problem.model_dump()}


async def answer_http(request: Request, error: HTTPException) -> JSONResponse:
    """Return the error of the router itself: no such route, or not with this method."""
    message = {404: "No such route.", 405: "The route does not accept this method."}.get(
        error.status_code, "The request cannot be accepted."
    )
    response = await respond(
        request, RequestError(error.status_code, "http", message, "The routes are listed at /openapi.json.")
    )
    response.headers.update(error.headers or {})
    return response


async def answer_parameters(request: Request, error: RequestValidationError) -> JSONResponse:
    """Return the error of parameters in the address, by name and never by what they hold."""
    names = ", ".join(str(each["loc"][-1]) for each in error.errors())
    hint = "The parameters are listed at /openapi.json."
    return await respond(request, RequestError(422, "bad_parameter", f"{names}: not as described.", hint))


async def answer_gone(request: Request, error: ClientDisconnect) -> Response:
    """Return 499, which nobody reads, for a client that hung up; it is counted, and it is not an error of ours."""
    metrics, name = request.app.state.gateway.metrics, request.path_params.get("name", "")
    metrics.requests.labels(name if name in request.app.state.gateway.slots else "", "", "499").inc()
    return Response(status_code=499)


async def answer_crash(request: Request, error: Exception) -> JSONResponse:
    """Return 500 for a bug of ours. The log gets its type and place, but not its message, which may hold a text."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].name} line {frames[-1].lineno}" if frames else "unknown"
    logging.getLogger("ratchet.gateway").error("a request failed: %s in %s", type(error).__name__, where)
    return await respond(
        request, RequestError(500, "fault", "The gateway failed on this request.", "The gateway's log shows where.")
    )


async def answer_fault(request: Request, error: RatchetError) -> JSONResponse:
    """Return 503 for a fault that the operator must fix; its message goes to the log only."""
    logging.getLogger("ratchet.gateway").error("%s: %s", error.code, error)
    unavailable = RequestError(
        503, error.code, "The classifier cannot answer now.", "Try again later; the gateway's log shows why.", retry_s=5
    )
    return await respond(request, unavailable)
