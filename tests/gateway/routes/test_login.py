"""The login over HTTP: rules of form and cookie as tables, and every route with the session of every scope."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import SCOPES, Keys

Serve = Callable[..., TestClient]
Walk = Callable[[TestClient], list[tuple[str, str]]]
Form = dict[str, str]


@pytest.fixture
def browse(serve: Serve) -> Callable[..., TestClient]:
    """Start the gateway, asked by the name of this machine, redirects left alone; cookies are kept as by a browser."""

    def start(**settings: object) -> TestClient:
        client = serve(**settings)
        client.base_url = "http://127.0.0.1:8008"  # type: ignore[assignment] # httpx makes a URL of it
        client.follow_redirects = False
        return client

    return start


def fields(page: str) -> Form:
    """The hidden fields of a page, by name."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))


def log_in(client: TestClient, key: str, to: str = "", **headers: str) -> Any:
    """Load the form, type the key, send it."""
    form = fields(client.get("/login", params={"to": to} if to else {}, headers=headers).text)
    return client.post("/login", data={**form, "key": key}, headers=headers)


def test_a_login_opens_the_pages_of_its_scope(browse: Serve, home: Home, walk: Walk) -> None:
    """T16: with the session of each scope only the pages answer, and no route that a program calls."""
    keys = Keys(home.keys)
    secrets = {scope: keys.add(scope, (scope,)) for scope in SCOPES}
    client = browse()
    opened: dict[str, set[str]] = {}
    for scope, secret in secrets.items():
        client.cookies.clear()
        found = log_in(client, secret)
        assert found.status_code == (303 if scope in {"review", "read", "admin"} else 401)
        for route, method in walk(client):
            if route in {"/login", "/logout"}:
                continue
            reply = client.request(method, route.replace("{name}", "small"), content=b"{}")
            if reply.status_code not in (401, 403):
                opened.setdefault(route, set()).add(scope)
    free = {
        "/health",
        "/healthz",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs/{file}",
        "/manual",
        "/manual/{path}",
        "/llms.txt",
    }
    pages = {route: scopes for route, scopes in opened.items() if route not in free}
    assert pages == {
        "/": {"review", "read", "admin"}, "/reports/{name}": {"read", "admin"},
        "/reports/{name}/{week}": {"read", "admin"}, "/reports/{name}/{week}/cells": {"read", "admin"},
        "/rollout/{name}": {"read", "admin"}, "/rollout/{name}/{action}": {"admin"}, "/why/{request_id}": {"admin"},
        "/trends/{name}": {"read", "admin"}, "/trends/{name}/history.json": {"read", "admin"},
        "/trends/{name}/history.csv": {"read", "admin"},
        "/review": {"review", "admin"}, "/review/{name}": {"review", "admin"},
        "/review/{name}/next": {"review", "admin"}, "/review/{name}/answer": {"review", "admin"},
        "/review/{name}/skip": {"review", "admin"}, "/review/{name}/undo": {"review", "admin"},
        "/review/{name}/people": {"admin"},
    }  # fmt: skip
    assert all(secret not in repr(client.app.state.sessions) for secret in secrets.values())  # type: ignore[attr-defined] # Starlette knows only ASGI


def test_the_cookie_is_for_this_browser_alone(browse: Serve, home: Home) -> None:
    """Httponly, strict, eight hours; behind TLS, as a proxy says, it is secure and bound to this very host."""
    secret = Keys(home.keys).add("ann", ("review",))
    client = browse()
    plain = log_in(client, secret).headers["Set-Cookie"]
    assert re.fullmatch(r"ratchet_session=[\w-]{43}; HttpOnly; Max-Age=28800; Path=/; SameSite=strict", plain)
    for said in ({"X-Forwarded-Proto": "https"}, {"Forwarded": "for=10.0.0.1;proto=https"}):
        client.cookies.clear()
        page = client.get("/login", headers=said)
        cookie = page.headers["Set-Cookie"].partition(";")[0]
        found = client.post("/login", data={**fields(page.text), "key": secret}, headers={**said, "Cookie": cookie})
        assert found.status_code == 303
        assert re.fullmatch(
            r"__Host-ratchet_session=[\w-]{43}; HttpOnly; Max-Age=28800; Path=/; SameSite=strict; Secure",
            found.headers["Set-Cookie"],
        )


PLACES = {
    "": "./", "./": "./", "review": "review", "review/small": "review/small", "rollout/small": "rollout/small",
    "review/small/people": "review/small/people", "reports/small/2026-01-12": "reports/small/2026-01-12",
    "trends/small": "trends/small", "//evil.test": "./", "https://evil.test/": "./", "review//evil.test": "./",
    "/review": "./", "review/..": "./", "review/%2e%2e": "./", "javascript:alert(1)": "./", "\\\\evil.test": "./",
    "review/small\r\nX: y": "./", "logout": "./",
}  # fmt: skip


def test_a_login_leads_to_no_other_site(browse: Serve, home: Home) -> None:
    """Only to pages of ours, by a relative path; whatever else is asked for, it is the home page."""
    secret = Keys(home.keys).add("ann", ("review",))
    client = browse()
    found = {to: log_in(client, secret, to).headers["Location"] for to in PLACES}
    assert found == PLACES


def test_a_login_that_fails_says_nothing_about_the_key(
    browse: Serve, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Wrong, empty and without a scope of pages: one page for all of them, and no log, has what was typed; then 429."""
    keys = Keys(home.keys)
    app = keys.add("app", ("classify", "annotate", "feedback"))
    client = browse()
    caplog.set_level(logging.DEBUG)
    replies = [log_in(client, typed) for typed in ("rk_wrong", "", app, "é" * 300, "<b>")]
    assert [reply.status_code for reply in replies] == [401] * 5
    assert len({reply.text for reply in replies}) == 1
    assert not [reply for reply in replies if "ratchet_session" in reply.headers.get("Set-Cookie", "")]
    assert caplog.messages.count("a login failed") == 5
    assert not any(typed in caplog.text for typed in ("rk_wrong", app))
    late = log_in(client, keys.add("ann", ("review",)))
    assert (late.status_code, int(late.headers["Retry-After"]) > 50) == (429, True)


FOREIGN: dict[str, tuple[Callable[[Form], Form], dict[str, str], int]] = {
    "another site": (lambda form: form, {"Sec-Fetch-Site": "cross-site"}, 403),
    "a page beside it": (lambda form: form, {"Origin": "http://127.0.0.1:9999"}, 403),
    "no token": (lambda form: {**form, "token": ""}, {}, 403),
    "a token of another": (lambda form: {**form, "token": "0" * 64}, {}, 403),
    "a copied form": (lambda form: form, {"Cookie": "ratchet_login=" + "x" * 43}, 403),
    "a large form": (lambda form: {**form, "key": "x" * 9000}, {}, 413),
    "no form": (lambda form: {}, {}, 422),
    "its own": (lambda form: form, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
}


def test_only_our_own_form_logs_in(browse: Serve, home: Home) -> None:
    """Nobody can log a browser in under a key of their own: form, token and cookie belong together."""
    secret = Keys(home.keys).add("ann", ("review",))
    client, found = browse(), {}
    for case, (change, headers, _) in FOREIGN.items():
        form = change({**fields(client.get("/login").text), "key": secret})
        if "Cookie" in headers:
            client.cookies.clear()
        found[case] = client.post("/login", data=form, headers=headers).status_code
    assert found == {case: status for case, (*_, status) in FOREIGN.items()}


def test_a_session_ends_at_a_logout_and_with_its_key(browse: Serve, home: Home) -> None:
    """The logout is a form of its own session; a key that is made anew, as by another command, ends the other one."""
    keys = Keys(home.keys)
    secret = keys.add("ops", ("admin",))
    client = browse()
    assert log_in(client, secret, "rollout/small").headers["Location"] == "rollout/small"
    page = client.get("/rollout/small")
    assert page.status_code == 200
    assert client.post("/logout", data={"token": "0" * 64}).status_code == 403
    assert client.get("/logout").status_code == 405
    session = client.cookies["ratchet_session"]
    token = client.app.state.form_tokens.sign(["logout", session])  # type: ignore[attr-defined] # as above
    assert client.post("/logout", data={"token": token}).headers["Location"] == "login"
    assert "ratchet_session" not in client.cookies
    assert client.get("/rollout/small", headers={"Cookie": f"ratchet_session={session}"}).status_code == 401
    log_in(client, secret)
    assert client.get("/rollout/small").status_code == 200
    keys.add("ops", ("admin",))
    client.app.state.access.follow(home.keys)  # type: ignore[attr-defined] # as above
    assert client.get("/rollout/small").status_code == 401
    assert "Log in" in client.get("/rollout/small").text


def test_the_form_of_the_rollout_page_works_with_a_login(
    browse: Serve, home: Home, made: Any, enter: Callable[..., None]
) -> None:
    """The ledger names the key that the session came from."""
    enter(made[1][1], "shadow")
    client = browse()
    Keys(home.keys).add("other", ("classify",))
    secret = Keys(home.keys).add("ops", ("admin",))
    client.app.state.access.follow(home.keys)  # type: ignore[attr-defined] # as above
    log_in(client, secret)
    form = {**fields(client.get("/rollout/small").text), "why": "worse"}
    assert client.post("/rollout/small/rollback", data=form).status_code == 303
    assert "key ops" in client.get("/rollout/small").text


def test_an_open_gateway_asks_for_no_key(browse: Serve) -> None:
    """The form says so, and a form that is sent all the same leads on."""
    client = browse()
    assert "asks for no key" in client.get("/login").text
    assert log_in(client, "anything").status_code == 303
