"""Request bodies: no larger than permitted, parsed strictly from their bytes, and described for OpenAPI.

Add here what all routes with a body share; the bodies themselves are `schemas.py`.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from gateway.errors import RequestError, explain
from gateway.schemas import Refused
from gateway.state import gateway_of
from ratchet.core.request_source import media_type
from ratchet.core.strict_json import parse_strictly

Body = TypeVar("Body", bound=BaseModel)
_ERRORS = {
    401: "No valid key.",
    403: "The key lacks the scope.",
    404: "No such classifier serves.",
    413: "The body is too large.",
    415: "The body is not application/json.",
    422: "The body is not as described.",
    429: "Too many texts are waiting, or the key sent too many requests.",
    500: "A fault of the gateway; its log says which.",
    503: "The classifier cannot answer now.",
    507: "The disk is full.",
}
_HINT = "Give each field once, as JSON in UTF-8."
REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Refused, "description": reason} for status, reason in _ERRORS.items()
}
UNSUPPORTED: dict[int | str, dict[str, Any]] = {
    400: {"model": Refused, "description": "The other server could do this; no classifier here can."}
}
CONTRADICTED: dict[int | str, dict[str, Any]] = {
    409: {"model": Refused, "description": "The same source sent something else about this answer before."}
}


def body_of(model: type[Body]) -> Callable[[Request], Awaitable[Body]]:
    """Dependency that reads a body of at most the permitted size and parses it strictly from its bytes."""

    async def read(request: Request) -> Body:
        if media_type({"content-type": request.headers.getlist("content-type")}) != "application/json":
            # every other type that a page may send without asking first would come in from any site
            raise RequestError(
                415, "not_json", "The body is not sent as JSON.", "Send the header 'Content-Type: application/json'."
            )
        content = await _read_all(request, gateway_of(request).settings.max_body_bytes)
        try:
            result = model.model_validate_json(content)
            parse_strictly(content)  # pydantic takes the last of a repeated key, another reader the first
        except ValidationError as error:
            if reason := _fault_of_text(content):
                raise RequestError(422, "bad_body", f"body: {reason}.", _HINT) from None
            raise explain(error, list(model.model_fields)) from None
        except ValueError as error:
            raise RequestError(422, "bad_body", f"body: {error}.", _HINT) from None
        return result

    return read


async def _read_all(request: Request, limit: int) -> bytes:
    """Return the body; one that is, or says that it is, larger than `limit` bytes is refused without its rest."""
    content, declared = bytearray(), request.headers.get("content-length", "0")
    too_large = RequestError(
        413, "too_large", f"The body is larger than {limit} bytes.", "Send fewer or shorter texts at a time."
    )
    if declared.isdecimal() and int(declared) > limit:  # else whoever sends it slowly holds a connection for it
        raise too_large
    async for part in request.stream():
        content += part
        if len(content) > limit:
            raise too_large
    return bytes(content)


def _fault_of_text(content: bytes) -> str:
    """Return what is wrong with JSON that only its texts spoil, by half a character; '' for anything else."""
    if b"\\u" not in content:
        return ""
    try:
        parse_strictly(content)
    except (json.JSONDecodeError, RecursionError):
        return ""
    except ValueError as error:
        return str(error)
    return ""


def described(model: type[BaseModel]) -> dict[str, Any]:
    """OpenAPI entry of a body that is parsed by `body_of`."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema_of(model)}}}}


def schema_of(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a model, with everything that it refers to inside."""
    schema = model.model_json_schema()
    result: dict[str, Any] = _inline(schema, schema.pop("$defs", {}))
    return result


def _inline(part: Any, definitions: dict[str, Any]) -> Any:
    """Return a schema with each reference replaced by what it names: the document has no such component."""
    if isinstance(part, dict):
        named = definitions.get(str(part.get("$ref", "")).removeprefix("#/$defs/"))
        found = part if named is None else named
        return {key: _inline(value, definitions) for key, value in found.items()}
    return [_inline(each, definitions) for each in part] if isinstance(part, list) else part
