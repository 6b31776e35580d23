"""Answers of suspended people are refused at every door of the gateway, from the next request on."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys
from ratchet.storage.review.suspensions import Suspensions

PEOPLE = '\n[people]\nann = ["Ann Smith", "ann@corp.example"]\nbob = []\n'


def test_a_suspended_person_is_refused_by_all_names_until_reinstated(
    serve: Callable[..., TestClient], home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    """One clear sentence and nothing stored; others answer on, also while the file cannot be believed."""
    home.spec("small").write_text(home.spec("small").read_text() + PEOPLE)
    secret = Keys(home.keys).add("desk", ["annotate"], person="ann", may_speak_for=["bob"])
    headers = {"Authorization": f"Bearer {secret}"}
    suspensions, client = Suspensions(home, "small"), serve()

    def send(annotator: str, request: str) -> tuple[int, str]:
        body = {"classifier": "small", "request_id": request, "label": "green", "saw_prediction": False}
        reply = client.post("/v1/corrections", json={**body, "annotator": annotator}, headers=headers)
        found: dict[str, Any] = reply.json()
        return reply.status_code, found.get("error", {}).get("code", "")

    assert send("Ann Smith", "r1") == (201, "")
    suspensions.suspend("ann@corp.example", "guesses", "owner", {}, 1, [])
    assert [send("ann", "r2"), send("Ann Smith", "r3"), send("bob", "r4")] == [(403, "suspended")] * 2 + [(201, "")]
    whole = suspensions.file.path.read_text()
    suspensions.file.path.write_text(whole.replace("guesses", "nothing"))
    assert [send("ann", "r5"), send("bob", "r6")] == [(403, "suspended"), (201, "")]
    assert "the last ones stay" in caplog.text
    suspensions.file.path.write_text(whole)
    people = {"ann": ("ann@corp.example",)}
    suspensions.reinstate("ann", "spoke with her", "owner", people)
    assert send("ann", "r7") == (201, "")
