"""The OpenAPI document: each route says who may call it, and each body has an example that its own schema accepts."""

from collections.abc import Callable

import jsonschema
import pytest
from starlette.testclient import TestClient

from gateway.openapi import EXAMPLES, FORMS, OPEN, SCHEMES

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]


def test_every_route_says_who_may_call_it(serve: Serve) -> None:
    """All but the open ones name a scheme that the document describes."""
    document = serve().get("/openapi.json").json()
    assert document["components"]["securitySchemes"] == SCHEMES
    unsaid = [
        (method, path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if not operation.get("security") and path not in OPEN
    ]
    named = {
        name
        for methods in document["paths"].values()
        for operation in methods.values()
        for each in operation.get("security", ())
        for name in each
    }
    assert (unsaid, named) == ([], set(SCHEMES))


@pytest.mark.feature(31)
def test_every_body_has_an_example_that_fits(serve: Serve) -> None:
    """By the schema in the document itself; and no example is left of a route that is gone."""
    document = serve().get("/openapi.json").json()
    seen: dict[str, set[str]] = {"json": set(), "form": set()}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for kind, body in operation.get("requestBody", {}).get("content", {}).items():
                seen["json" if kind == "application/json" else "form"].add(path)
                jsonschema.validate(body["example"], body["schema"])
    assert seen == {"json": set(EXAMPLES), "form": set(FORMS)}


def test_the_page_loads_its_own_files_alone(serve: Serve) -> None:
    """Two files of an installed package, under a policy that lets nothing else run; no other name is a file."""
    client = serve()
    page = client.get("/docs")
    assert page.status_code == 200
    assert "script-src 'nonce-" in page.headers["Content-Security-Policy"]
    assert "http://" not in page.text.replace("http://127.0.0.1", "")
    assert "https://" not in page.text
    for file, kind in (("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")):
        found = client.get(f"/docs/{file}")
        assert (found.status_code, found.headers["content-type"].partition(";")[0]) == (200, kind)
        assert len(found.content) > 50_000
    for name in ("favicon.png", "..%2f__init__.py", "core.py"):
        assert client.get(f"/docs/{name}").status_code in (404, 422)
