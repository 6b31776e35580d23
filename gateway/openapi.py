"""OpenAPI document of the gateway: who may call each route, and an example of each body, added to what FastAPI finds.

Add here the example of a new body; a test holds each against the schema of its route. The page that shows the document
is `gateway/routes/api_page.py`.
"""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

SCHEMES: dict[str, Any] = {
    "key": {"type": "http", "scheme": "bearer", "description": "A key that `ratchet key NAME --scope SCOPE` printed."},
    "password": {"type": "http", "scheme": "basic", "description": "At pages: any user name, the key as the password."},
    "login": {"type": "apiKey", "in": "cookie", "name": "ratchet_session", "description": "At pages: a login."},
}
_API: list[dict[str, list[str]]] = [{"key": []}]
_PAGE: list[dict[str, list[str]]] = [{"login": []}, {"key": []}, {"password": []}]
OPEN = frozenset(
    {
        "/healthz",
        "/readyz",
        "/health",
        "/docs",
        "/docs/{file}",
        "/manual",
        "/manual/{path}",
        "/llms.txt",
        "/login",
        "/logout",
    }
)
"""Routes that ask for nothing."""
_ANSWER = {"request_id": "rq_3f9c1c0a", "label": "delivery", "answer": None, "note": "", "seconds": 2.5}
EXAMPLES: dict[str, Any] = {
    "/v1/classifiers/{name}": {"text": "my parcel never came", "user_id": "customer-17"},
    "/v1/feedback": {
        "classifier": "tickets", "request_id": "rq_3f9c1c0a", "verdict": "wrong", "label": "delivery", "source": "app",
    },
    "/v1/corrections": {
        "classifier": "tickets", "request_id": "rq_3f9c1c0a", "label": "delivery", "annotator": "ann",
        "saw_prediction": False,
    },
    "/": {"inputs": "my parcel never came", "parameters": {"top_k": 1}},
    "/predict": {"inputs": [["my parcel never came"], ["money back please"]]},
    "/models/{name}": {"inputs": "my parcel never came", "parameters": {"top_k": 1}},
    "/v1/classify": {"model": "tickets", "input": ["my parcel never came", "money back please"]},
    "/classify": {"model": "tickets", "input": "my parcel never came"},
    "/review/{name}/answer": _ANSWER,
    "/review/{name}/skip": {"request_id": "rq_3f9c1c0a"},
    "/review/{name}/undo": {},
}  # fmt: skip
"""Example of the JSON body of each route that takes one, by its path."""
_FORM = {"request_id": "rq_3f9c1c0a", "shown": "1767600000", "token": "from the form"}
FORMS: dict[str, Any] = {
    "/login": {"key": "rk_...", "token": "from the form", "to": "review/tickets"},
    "/logout": {"token": "from the form"},
    "/rollout/{name}/{action}": {"head": "12:3b4ef3e2", "token": "from the form", "why": "complaints about refunds"},
    "/review/{name}/answer": {**_FORM, "label": "delivery"},
    "/review/{name}/skip": _FORM,
    "/review/{name}/undo": _FORM,
}
"""Example of the form of each page that sends one, by its path."""


def describe(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """Return the function that makes the document of `app`, once."""
    plain = app.openapi

    def make() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(plain(), app)
        return app.openapi_schema

    return make


def _complete(document: dict[str, Any], app: FastAPI) -> dict[str, Any]:
    document.setdefault("components", {})["securitySchemes"] = SCHEMES
    keyed = {route.path for route in app.routes if isinstance(route, APIRoute) and route.dependencies}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if path not in OPEN:
                operation["security"] = _API if path in keyed and (method, path) != ("get", "/") else _PAGE
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                examples = EXAMPLES if kind == "application/json" else FORMS
                if path in examples:
                    body["example"] = examples[path]
    return document
