"""Feedback is taken only from the key that got the answer; everyone else hears the same as for an id that never was."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

from starlette.testclient import TestClient

import gateway.routes.auth
import gateway.routes.feedback
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys

Serve = Callable[..., TestClient]
URL = "/v1/classifiers/small"


def bearer(home: Home, name: str, *scopes: str) -> dict[str, str]:
    """The header of a new key."""
    return {"Authorization": f"Bearer {Keys(home.keys).add(name, scopes)}"}


def word(request_id: str, **said: Any) -> dict[str, Any]:
    """A user's word."""
    return {"classifier": "small", "request_id": request_id, "verdict": "wrong", **said}


def test_only_the_key_that_asked_may_give_feedback(serve: Serve, home: Home) -> None:
    """T15: another tenant's id, an invented one and one of another form get one and the same 404; admin may speak of
    any."""
    acme, bolt = bearer(home, "acme", "classify", "feedback"), bearer(home, "bolt", "classify", "feedback")
    admin = bearer(home, "root", "admin")
    client = serve()
    theirs = client.post(URL, json={"text": "money back"}, headers=acme).json()["request_id"]
    foreign = [
        client.post("/v1/feedback", json=word(request_id, **said), headers=bolt)
        for request_id in (theirs, theirs[:-1] + ("A" if theirs[-1] != "A" else "B"), "rq_" + "A" * 52, "r1", "x" * 200)
        for said in ({}, {"label": "green"}, {"label": "none of ours"})
    ]
    assert {found.status_code for found in foreign} == {404}
    assert len({found.content for found in foreign}) == 1
    assert len({tuple(sorted(found.headers)) for found in foreign}) == 1
    assert theirs not in foreign[0].text
    assert client.post("/v1/feedback", json=word(theirs), headers=acme).status_code == 202
    assert client.post("/v1/feedback", json=word(theirs, source="operator"), headers=admin).status_code == 202


def test_ids_outlive_the_process(serve: Serve, home: Home) -> None:
    """The secret is the home's, so feedback after a restart is taken, and again only once."""
    acme = bearer(home, "acme", "classify", "feedback")
    request_id = serve().post(URL, json={"text": "money back"}, headers=acme).json()["request_id"]
    again = serve()
    assert [again.post("/v1/feedback", json=word(request_id), headers=acme).status_code for _ in range(2)] == [202, 202]
    assert again.post("/v1/feedback", json=word(request_id, label="green"), headers=acme).status_code == 409
    assert home.secret.stat().st_mode & 0o777 == 0o600


def test_a_home_without_keys_takes_feedback_on_its_own_answers_only(serve: Serve) -> None:
    """Loopback needs no key, and still no invented id passes."""
    client = serve()
    answers = client.post(URL, json={"texts": ["money back", "a parcel"]}).json()["answers"]
    for answer in answers:
        assert client.post("/v1/feedback", json=word(answer["request_id"])).status_code == 202
    assert client.post("/v1/feedback", json=word("r1")).status_code == 404


def test_annotators_may_correct_any_answer_and_foreign_logs(serve: Serve, home: Home) -> None:
    """Any key's answer and a plain id of a log from elsewhere: 201. An id of our form that is not genuine: 404."""
    acme, ann = bearer(home, "acme", "classify"), bearer(home, "desk", "annotate")
    client = serve()
    theirs = client.post(URL, json={"text": "money back"}, headers=acme).json()["request_id"]

    def correct(request_id: str, label: str = "green") -> int:
        body = {
            "classifier": "small",
            "request_id": request_id,
            "label": label,
            "saw_prediction": False,
        }
        return client.post("/v1/corrections", json=body, headers=ann).status_code

    assert [correct(request_id) for request_id in (theirs, theirs, "2026-01-05-0001", theirs[:-1])] == [
        201,
        201,
        201,
        201,
    ]
    # its last code names the asker, who does not matter
    assert correct(theirs[:-1] + ("A" if theirs[-1] != "A" else "B")) == 201
    assert correct("rq_" + "A" * 52) == 404
    assert correct(theirs, "amber") == 409


def test_a_gateway_that_does_not_bind_is_caught(serve: Serve, home: Home, plant: Callable[..., ModuleType]) -> None:
    """Mutants: any genuine id passes, and all keys are one tenant. Either takes what the first test of this file sees
    refused."""
    acme, bolt = bearer(home, "acme", "classify", "feedback"), bearer(home, "bolt", "classify", "feedback")
    client = serve()
    app: Any = client.app
    lax = plant(
        gateway.routes.feedback, "if not (proof.own or (caller.admin and proof.genuine)):", "if not proof.genuine:"
    )
    app.include_router(lax.router, prefix="/lax")
    theirs = client.post(URL, json={"text": "money back"}, headers=acme).json()["request_id"]
    assert client.post("/v1/feedback", json=word(theirs), headers=bolt).status_code == 404
    assert client.post("/lax/v1/feedback", json=word(theirs), headers=bolt).status_code == 202
    one_tenant = plant(
        gateway.routes.auth, 'return Caller(key.name, "admin" in key.scopes,', 'return Caller("", False,'
    )
    app.state.access = one_tenant.Access(app.state.access.keys)
    theirs = client.post(URL, json={"text": "money back"}, headers=acme).json()["request_id"]
    assert client.post("/v1/feedback", json=word(theirs), headers=bolt).status_code == 202
