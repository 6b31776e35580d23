"""No page of another site gets through to any route, and no request that two servers may read in two ways."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys

Serve = Callable[..., TestClient]
Walk = Callable[[TestClient], list[tuple[str, str]]]
URL = "/v1/classifiers/small"
PROBES = {"/healthz", "/readyz"}
OWN = "http://127.0.0.1:8008"
FOREIGN: dict[str, tuple[dict[str, str], str]] = {
    "another host": ({"Host": "evil.test:8008"}, "other_host"),
    "a host that resolves here": ({"Host": "evil.test:8008", "Origin": "http://evil.test:8008"}, "other_host"),
    "the address that is none": ({"Host": "0.0.0.0:8008"}, "other_host"),
    "an empty host": ({"Host": ""}, "other_host"),
    "another origin": ({"Origin": "https://evil.test"}, "other_site"),
    "another port of this machine": ({"Origin": "http://127.0.0.1:8888"}, "other_site"),
    "no origin, by a sandbox": ({"Origin": "null"}, "other_site"),
    "an image of another site": (
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        "other_site",
    ),
    "a frame of another site": (
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        "other_site",
    ),
    "a page of a sibling site": ({"Sec-Fetch-Site": "same-site"}, "other_site"),
    "two lengths": ({"Transfer-Encoding": "chunked", "Content-Length": "2"}, "two_lengths"),
}
TYPES = {
    "": 415,
    "text/plain": 415,
    "text/plain; application/json": 415,
    "application/x-www-form-urlencoded": 415,
    "multipart/form-data; boundary=a": 415,
    "application/jsonp": 415,
    "application/json": 422,
    "application/json; charset=utf-8": 422,
}
PROXIES = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP")


@pytest.mark.parametrize("keyed", [False, True])
def test_every_route_refuses_every_other_site(serve: Serve, home: Home, walk: Walk, keyed: bool) -> None:
    """With keys and without, each route against each way that a page has; nothing that it sends is stored."""
    headers = {"Authorization": f"Bearer {Keys(home.keys).add('all', ('admin',))}"} if keyed else {}
    client = serve()
    client.base_url, client.headers = OWN, headers  # type: ignore[assignment] # httpx makes its own types of them
    paths = [(path.replace("{name}", "small"), method) for path, method in walk(client)]
    found = {}
    for path, method in paths:
        for what, (sent, _) in FOREIGN.items():
            reply = client.request(method, path, content=b"{}", headers={"Content-Type": "application/json", **sent})
            found[path, what] = (reply.status_code, reply.headers.get("connection", ""))
    expected = {
        (path, what): (400 if code == "two_lengths" else 403, "close")
        for path, _ in paths
        for what, (_, code) in FOREIGN.items()
        if not (path in PROBES and code == "other_host")
    }
    assert {at: reply for at, reply in found.items() if at in expected} == expected
    assert {status for at, (status, _) in found.items() if at not in expected} == {200}
    assert not list(home.classifier("small").rglob("*.wal"))


def test_a_refusal_names_the_fix_in_the_form_of_its_route(serve: Serve) -> None:
    """JSON, Text Embeddings Inference's JSON, and a page."""
    client = serve()
    foreign = {"Host": "evil.test"}
    assert client.post(URL, json={"text": "a"}, headers=foreign).json()["error"]["code"] == "other_host"
    assert "RATCHET_GATEWAY_HOSTS" in client.get("/info", headers=foreign).json()["error"]
    assert client.get("/rollout/small", headers=foreign).headers["content-type"] == "text/html; charset=utf-8"
    assert 'ratchet_requests_total{classifier="",code="403",slot=""} 3.0' in client.get("/metrics").text


def test_names_that_the_operator_lists_are_answered(serve: Serve) -> None:
    """By Host, and by the Origin of a page behind a proxy that gives the host another name."""
    client = serve(hosts="ratchet.example.org, labels.example.org:8443", host="127.0.0.2")
    for host, status in {
        "ratchet.example.org": 200,
        "ratchet.example.org:443": 200,
        "labels.example.org:8443": 200,
        "127.0.0.2:8008": 200,
        "localhost": 200,
        "labels.example.org": 403,
        "example.org": 403,
    }.items():
        assert (host, client.get("/v1/status", headers={"Host": host}).status_code) == (host, status)
    behind = {"Host": "127.0.0.1:8008", "Origin": "https://ratchet.example.org", "Sec-Fetch-Site": "same-origin"}
    assert client.post(URL, json={"text": "a"}, headers=behind).status_code == 200


def test_a_body_is_taken_as_json_only(serve: Serve, walk: Walk) -> None:
    """What a page may send without asking first is 415 on every route with a body; a form is for the page alone."""
    client = serve()
    pages = ("/rollout", "/login", "/logout")
    routes = [path for path, method in walk(client) if method == "POST" and not path.startswith(pages)]
    for path in routes:
        for type_, status in TYPES.items():
            sent = {"Content-Type": type_} if type_ else {}
            reply = client.post(path.replace("{name}", "small"), content=b"{", headers=sent)
            if path.startswith("/review/") and type_.startswith("application/x-www-form-urlencoded"):
                status = 409  # the form of the page, which carries its token
            assert (path, type_, reply.status_code) == (path, type_, status)


def test_nothing_is_changed_by_get(serve: Serve, walk: Walk) -> None:
    """Each route that writes answers GET with 405; the login shows its form there, and the root the home page."""
    client = serve()
    routes = walk(client)
    writing = {path for path, method in routes if method == "POST"} - {"/login", "/"}
    assert writing.isdisjoint(path for path, method in routes if method != "POST")
    for path in writing:
        assert client.get(path.replace("{name}", "small")).status_code == 405


def test_an_open_gateway_answers_no_proxy(serve: Serve, home: Home) -> None:
    """Behind one, loopback would be everyone. With keys a proxy may stand in front."""
    client = serve()
    for name in PROXIES:
        reply = client.post(URL, json={"text": "a"}, headers={name: "192.0.2.1"})
        assert (name, reply.status_code, reply.json()["error"]["code"]) == (name, 403, "open_behind_proxy")
    key = {"Authorization": f"Bearer {Keys(home.keys).add('app', ('classify',))}"}
    behind = serve()
    for name in PROXIES:
        assert behind.post(URL, json={"text": "a"}, headers={name: "192.0.2.1", **key}).status_code == 200
