"""Who speaks is the key's person, or one whom the key may speak for: never whatever name a body holds."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from gateway.routes.auth import Access, user_of_machine
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys

Serve = Callable[..., TestClient]
PEOPLE = '\n[people]\nann = ["Ann Smith", "ann@corp.example"]\nbob = []\n'


def bearer(home: Home, name: str, *scopes: str, **limits: Any) -> dict[str, str]:
    """The header of a new key."""
    return {"Authorization": f"Bearer {Keys(home.keys).add(name, scopes, **limits)}"}


def body(**said: Any) -> dict[str, Any]:
    """A correction of a log that came from elsewhere."""
    return {"classifier": "small", "request_id": "r1", "label": "green", "saw_prediction": False, **said}


def stored(home: Home, kind: str = "corrections") -> list[dict[str, Any]]:
    """The rows that were sealed."""
    folder = home.feedback("small") if kind == "feedback" else home.landing("small", kind)
    return [row for path in folder.glob("gateway-*.parquet") for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize(
    ("said", "limits", "people", "expected"),
    [
        (None, {}, "", "ann"),
        ("ann", {}, "", "ann"),
        (" ANN ", {}, "", "ann"),
        ("\uff21nn", {}, "", "ann"),
        ("bob", {}, "", "other_annotator"),
        ("ann2", {}, "", "other_annotator"),
        ("\u0430nn", {}, "", "bad_name"),
        ("bob", {"may_speak_for": ["Bob"]}, "", "bob"),
        ("eve", {"may_speak_for": ["bob"]}, "", "other_annotator"),
        (None, {"person": "Ann Smith <Ann+desk@Corp.Example>"}, "", "ann@corp.example"),
        ("ann@corp.example", {"person": "ann@corp.example"}, "", "ann@corp.example"),
        ("Ann Smith", {}, PEOPLE, "ann"),
        ("ann+2@corp.example", {}, PEOPLE, "ann"),
        (None, {"person": "ann smith"}, PEOPLE, "ann"),
        ("bob", {}, PEOPLE, "other_annotator"),
        ("bob", {"may_speak_for": ["bob"]}, PEOPLE, "bob"),
        (None, {"person": "eve"}, PEOPLE, "not_listed"),
        ("eve", {"may_speak_for": ["eve"]}, PEOPLE, "not_listed"),
    ],
)
def test_a_correction_is_its_keys_persons(
    serve: Serve, home: Home, said: str | None, limits: dict[str, Any], people: str, expected: str
) -> None:
    """The stored annotator, or the code of the error: an invented name never becomes a vote."""
    home.spec("small").write_text(home.spec("small").read_text() + people)
    headers = bearer(home, "ann", "annotate", **limits)
    client = serve()
    reply = client.post("/v1/corrections", json=body(annotator=said) if said else body(), headers=headers)
    client.__exit__(None, None, None)
    client.__enter__()
    if reply.status_code == 201:
        assert [row["annotator"] for row in stored(home)] == [expected]
    else:
        assert (reply.status_code, reply.json()["error"]["code"]) == (422 if expected == "bad_name" else 403, expected)
        assert stored(home) == []


@pytest.mark.parametrize(
    ("blind", "said", "recorded"), [(False, False, True), (False, True, True), (True, False, False), (True, True, True)]
)
@pytest.mark.feature(27)
def test_only_a_blind_key_brings_blind_corrections(
    serve: Serve, home: Home, blind: bool, said: bool, recorded: bool
) -> None:
    """Nobody knows what was seen elsewhere: a direct correction is anchored unless its key says otherwise."""
    headers = bearer(home, "ann", "annotate", blind=blind)
    client = serve()
    assert client.post("/v1/corrections", json=body(saw_prediction=said), headers=headers).status_code == 201
    client.__exit__(None, None, None)
    client.__enter__()
    assert [row["saw_prediction"] for row in stored(home)] == [recorded]


def test_an_open_home_is_corrected_by_the_user_of_its_machine(serve: Serve, home: Home) -> None:
    """Without keys there is one annotator, anchored, and no other name passes."""
    client = serve()
    assert client.post("/v1/corrections", json=body()).status_code == 201
    assert client.post("/v1/corrections", json=body(annotator="somebody")).json()["error"]["code"] == "other_annotator"
    client.__exit__(None, None, None)
    client.__enter__()
    assert [(row["annotator"], row["saw_prediction"]) for row in stored(home)] == [(user_of_machine(), True)]


def test_a_source_is_a_name_under_its_key(serve: Serve, home: Home) -> None:
    """Two keys that call their source the same are two sources; nobody contradicts the other's."""
    web, app = (bearer(home, name, "classify", "feedback", "admin") for name in ("web", "app"))
    client = serve()
    request_id = client.post("/v1/classifiers/small", json={"text": "a parcel"}, headers=web).json()["request_id"]
    for headers, verdict in ((web, "wrong"), (app, "right")):
        word = {"classifier": "small", "request_id": request_id, "verdict": verdict, "source": "User"}
        assert client.post("/v1/feedback", json=word, headers=headers).status_code == 202
    client.__exit__(None, None, None)
    client.__enter__()
    assert sorted(row["source"] for row in stored(home, "feedback")) == ["app/user", "web/user"]


def test_keys_are_followed_while_the_gateway_runs(tmp_path: Any) -> None:
    """Made, replaced, revoked: the next look knows it. Lost, damaged or emptied: nothing opens that was closed."""
    home, access = Home(tmp_path), Access((), open=True)
    assert access.check(None, "admin").person == user_of_machine()
    first = Keys(home.keys).add("ann", ("annotate",))

    def passes(secrets: Sequence[str | None]) -> list[bool]:
        access.follow(home.keys)
        result = []
        for secret in secrets:
            try:
                access.check(f"Bearer {secret}" if secret else None, "annotate")
                result.append(True)
            except Exception:  # noqa: BLE001 - refused, for whatever reason
                result.append(False)
        return result

    assert passes([None, first]) == [False, True], "the first key closes an open home"
    second = Keys(home.keys).add("ann", ("annotate",))
    assert passes([None, first, second]) == [False, False, True]
    kept = home.keys.read_bytes()
    for damage in (b"", b"{", b"[{}]", b"null"):
        home.keys.write_bytes(damage)
        assert passes([None, second]) == [False, True]
        assert "cannot be read" in access.problem
    home.keys.unlink()
    assert passes([None, second]) == [False, True]
    assert "gone" in access.problem
    home.keys.write_bytes(kept)
    assert passes([second]) == [True]
    assert access.problem == ""
    Keys(home.keys).revoke("ann")
    assert passes([None, second]) == [False, False], "a home whose keys are all revoked is closed"
