"""The history of a request at a running gateway: for admins, as page and as JSON, from files that it can read."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.review.read_log import ReadLog

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]
TEXT = "where is the parcel, write to ann@example.org"


def keyed(home: Home, *scopes: str) -> dict[str, str]:
    """The header of a new key."""
    return {"Authorization": f"Bearer {Keys(home.keys).add('-'.join(scopes), scopes)}"}


def test_an_answer_its_feedback_and_its_correction_are_told(
    serve: Serve, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """Within a second of the answer, before anything was sealed; the read is logged by key, without the id."""
    key = keyed(home, "admin")
    client = serve(durable=True)
    answer = client.post("/v1/classifiers/small", json={"text": TEXT}, headers=key).json()
    said = {"classifier": "small", "request_id": answer["request_id"]}
    client.post("/v1/feedback", json={**said, "verdict": "wrong"}, headers=key)
    client.post("/v1/corrections", json={**said, "label": "green", "saw_prediction": True}, headers=key)
    url = f"/why/{answer['request_id']}"
    with caplog.at_level(logging.INFO, logger="ratchet.gateway"):
        reply = client.get(url, headers=key)
    assert "key admin read the history of a request of small" in caplog.messages
    (found,) = reply.json()["classifiers"]
    assert found["request"]["label"] == answer["label"]
    assert (found["request"]["slot"], found["request"]["flag_reason"]) == ("live", "STATIC")
    assert found["text"] is None
    assert [row["verdict"] for row in found["feedback"]] == ["wrong"]
    assert [(row["label"], row["blind"]) for row in found["corrections"]] == [("green", False)]
    assert client.get(f"{url}?text=1", headers=key).json()["classifiers"][0]["text"].endswith("write to [EMAIL]")
    assert [(each.key, each.page) for each in ReadLog(home, "small").read()] == [("admin", "why")]
    page = client.get(url, headers={**key, "Accept": "text/html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert answer["adapter"] in page.text
    assert "parcel" not in page.text
    assert {reply.headers[name] for name in ("cache-control",)} == {"no-store"}


def test_every_other_id_is_the_same_404(serve: Serve, home: Home) -> None:
    """T09: invented, malformed, of another home: nothing tells them apart, neither as JSON nor as a page."""
    key = keyed(home, "admin")
    client = serve()
    ids = ["rq_" + "A" * 52, "x", "..%2e", "0" * 200, "<script>", "small", "%00"]
    replies: dict[str, list[Any]] = {
        accept: [client.get(f"/why/{each}", headers={**key, "Accept": accept}) for each in ids]
        for accept in ("application/json", "text/html")
    }
    for accept, found in replies.items():
        assert {reply.status_code for reply in found} == {404}, accept
        assert len({reply.content for reply in found}) == 1, accept


def test_a_key_without_the_scope_learns_nothing(serve: Serve, home: Home) -> None:
    """T16: 403 for a known id and for an unknown one, word for word; a browser without a key sees the login."""
    key, app = keyed(home, "admin"), keyed(home, "classify", "feedback", "annotate")
    client = serve(durable=True)
    known = client.post("/v1/classifiers/small", json={"text": TEXT}, headers=key).json()["request_id"]
    found = [client.get(f"/why/{each}", headers=app) for each in (known, "unknown")]
    assert [(reply.status_code, reply.content == found[0].content) for reply in found] == [(403, True)] * 2
    browser = client.get(f"/why/{known}", headers={"Accept": "text/html"})
    assert (browser.status_code, 'name="key" type="password"' in browser.text) == (401, True)
