"""How a request is refused: a status, a stable code, one sentence and its cure; never what the request held.

Add here other forms of the same answer; what is refused is decided where it is met.
"""

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from gateway.schemas import Problem


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """An answer that is no."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", *, retry_s: int | None = None) -> None:
        super().__init__(message)
        self.status, self.problem, self.retry_s = status, Problem(code=code, message=message, hint=hint), retry_s


def explain(error: ValidationError) -> Refusal:
    """The first thing that is wrong with a body, by the name of its field and the rule, without its value."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    where = ".".join(str(part)[:40] for part in first["loc"]) or "body"
    known = where if where.isprintable() and first["type"] != "extra_forbidden" else "body"
    return Refusal(422, "bad_body", f"{known}: {first['msg']}."[:300], "The fields are listed at /openapi.json.")


async def answer(request: Request, refusal: Exception) -> JSONResponse:
    """A refusal as the response that FastAPI sends."""
    assert isinstance(refusal, Refusal)  # noqa: S101 - registered for this class only
    gateway, name = request.app.state.gateway, request.path_params.get("name", "")
    gateway.metrics.requests.labels(name if name in gateway.slots else "", "", str(refusal.status)).inc()
    headers = {"Retry-After": str(refusal.retry_s)} if refusal.retry_s is not None else None
    return JSONResponse({"error": refusal.problem.model_dump()}, refusal.status, headers)
