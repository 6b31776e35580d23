"""No body makes the gateway fail: ten thousand random ones over all routes that take one, and schemathesis from the
OpenAPI.

`RATCHET_LONG=1` draws ten times as many, and lets schemathesis try more.
"""

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.routes.tei_schemas import ErrorResponse
from gateway.schemas import Refused

Serve = Callable[..., TestClient]
Put = Callable[..., list[Any]]
LONG = "RATCHET_LONG" in os.environ
BODIES = 100_000 if LONG else 10_000

VALID: dict[str, dict[str, Any]] = {
    "/v1/classifiers/small": {"text": "money back", "user_id": "u1"},
    "/v1/feedback": {"classifier": "small", "request_id": "r1", "verdict": "wrong", "label": "green", "source": "user"},
    "/v1/corrections": {
        "classifier": "small", "request_id": "r1", "label": "green", "saw_prediction": True,
        "ts": "2026-01-05T10:00:00Z",
    },
    "/v1/classify": {"model": "small", "input": ["a", "b"], "user": "u1", "truncate_prompt_tokens": 5},
    "/predict": {"inputs": [["a"], ["b"]], "raw_scores": True, "truncate": None},
    "/models/small": {"inputs": "a", "parameters": {"top_k": 2, "function_to_apply": "none"}},
}  # fmt: skip
"""A body that each route takes."""

NASTY: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**400, 1e308, 0.1, "", " ", "\x00", "\x1b[31m", "\ud800", "\u2028", "\u202e",
    "é" * 300, "a" * 9000,
    "../../etc/passwd", "small/../small", "{{7*7}}", "%s%n", "=cmd|' /C calc'!A0", [], [[]], [None], {}, {"a": {}},
    [["a", "b"]],
    ["a"] * 40, [["a"]] * 2000, "9999-99-99T00:00:00Z", "2099-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "2026-01-05", "rq_" + "A" * 52,
)  # fmt: skip
RAW = (
    b"", b"{", b"null", b"[]", b'"a"', b"NaN", b'{"text": NaN}', b'{"text": 1e999}', b"[" * 9000, b'{"a":' * 5000,
    b"\xff\xfe",
    b'{"text": "\\ud800"}', '{"text": "a"}'.encode("utf-16"), '{"text": "a"}'.encode("utf-32"),
    b'\xef\xbb\xbf{"text": "a"}',
    b'{"text": "a", "text": "b"}', b'{"text": ' + b"9" * 5000 + b"}", b"\x00" * 100, b'{"text": "a"} {"text": "b"}',
)  # fmt: skip


def draw_bodies(seed: int, count: int) -> Iterator[tuple[str, bytes]]:
    """Routes and bodies: valid ones with values, keys and bytes changed at random, and raw rubbish."""
    draw = random.Random(seed)  # noqa: S311 - test data, guards nothing
    routes = list(VALID)
    for n in range(count):
        route = routes[n % len(routes)]
        if draw.random() < 0.1:
            yield route, draw.choice(RAW)
            continue
        body = {key: draw.choice(NASTY) if draw.random() < 0.4 else value for key, value in VALID[route].items()}
        if draw.random() < 0.2:
            body.pop(draw.choice(list(body)))
        if draw.random() < 0.1:
            body[draw.choice(["evil", "__proto__", "text", "texts", "inputs", "\ud800", ""])] = draw.choice(NASTY)
        content = bytearray(json.dumps(body).encode())
        while draw.random() < 0.2:
            place = draw.randrange(len(content) + 1)
            content[place : place + draw.randrange(4)] = draw.randbytes(draw.randrange(4))
        yield route, bytes(content)


def throw(put: Put, client: TestClient, count: int, prefix: str = "") -> Counter[int]:
    """How often each status came; every refusal must have the form that its route describes."""
    bodies = list(draw_bodies(1, count))
    replies = put(client, (("POST", f"{prefix}{route}".encode(), body, []) for route, body in bodies))
    for (route, _), reply in zip(bodies, replies, strict=True):
        if reply.status >= 400:
            (ErrorResponse if "inputs" in VALID[route] else Refused).model_validate_json(reply.content)
    return Counter(reply.status for reply in replies)


def test_random_bodies_never_make_it_fail(serve: Serve, put: Put) -> None:
    """0 of 10,000 is answered with 5xx; some of them are good, and are answered."""
    found = throw(put, serve(), BODIES)
    assert sum(found.values()) == BODIES
    assert not [status for status in found if status >= 500]
    assert min(found[200], found[201], found[404], found[422]) > BODIES // 200


def test_a_gateway_that_fails_on_a_body_is_caught(serve: Serve, put: Put, plant: Callable[..., ModuleType]) -> None:
    """Mutant: a body is decoded before it is checked; the same bodies find it within the first thousand."""
    import gateway.routes.feedback

    client = serve()
    lax = plant(
        gateway.routes.request_body,
        "result = model.model_validate_json(content)",
        "result = model.model_validate(json.loads(content))",
    )
    routes = plant(gateway.routes.feedback, "from gateway.routes.request_body import", f"from {lax.__name__} import")
    client.app.include_router(routes.router, prefix="/lax")  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    bodies = [(route, body) for route, body in draw_bodies(1, 1000) if route == "/v1/corrections"]
    replies = put(client, (("POST", f"/lax{route}".encode(), body, []) for route, body in bodies))
    assert any(reply.status >= 500 for reply in replies)


@pytest.mark.feature(31)
def test_schemathesis_finds_no_fault(serve: Serve) -> None:
    """From /openapi.json alone: no 5xx, and every status, content type and body is one that the document describes."""
    schemathesis = pytest.importorskip("schemathesis", reason="no schemathesis: pip install -e '.[dev]'")
    import hypothesis
    from schemathesis.checks import CHECKS

    names = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
    client = serve()
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    tried = Counter[str]()

    def attack(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url="http://testserver")
        body = sent.pop("data", None)
        told = {
            "data" if isinstance(body, dict) else "content": body,
            **{k: v for k, v in sent.items() if k != "cookies"},
        }
        reply = client.request(**told, follow_redirects=False)
        case.validate_response(schemathesis.Response.from_any(reply), checks=[CHECKS.get_one(name) for name in names])
        tried[case.operation.label] += 1

    settings = hypothesis.settings(
        max_examples=1000 if LONG else 20,
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    for operation in operations:
        hypothesis.seed(1)(settings(hypothesis.given(operation.as_strategy())(attack)))()
    assert set(tried) == {operation.label for operation in operations}
