"""The gateway answers with the promoted adapter, refuses what is wrong, and loses nothing that it acknowledged."""

import asyncio
import json
import shutil
from collections.abc import Callable
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from gateway.app import create_app, repeat
from gateway.settings import Settings
from ratchet.core.errors import RatchetError
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.journal.sealed_names import read_sealed
from ratchet.storage.keys.api_keys import SCOPES, Keys
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.specs import Specs

Serve = Callable[..., TestClient]
Walk = Callable[[TestClient], list[tuple[str, str]]]
URL = "/v1/classifiers/small"


@pytest.mark.supports(family="encoder", method="probe", runtime="gateway", export="adapter")
def test_an_answer_is_that_of_the_live_adapter(serve: Serve, home: Home, made: tuple[Home, list[str]]) -> None:
    """Label, calibrated confidence and probabilities equal those of the promoted adapter; the action is the spec's."""
    predictor = load_predictor(AdapterStore(home).open("small", made[1][0]))
    expected = predictor.predict(["money back please"])
    answer = serve().post(URL, json={"text": "money back please"}).json()
    assert (answer["label"], answer["adapter"], answer["slot"]) == (expected.labels[0], made[1][0], "live")
    assert answer["confidence"] == pytest.approx(expected.confidence[0], abs=1e-6)
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert answer["action"] == "review"


def test_a_batch_is_answered_in_its_order(serve: Serve) -> None:
    """Several texts give several answers, each with an id of its own."""
    client = serve()
    texts = ["money back please", "where is the parcel", "my password is lost"]
    together = client.post(URL, json={"texts": texts}).json()["answers"]
    alone = [client.post(URL, json={"text": text}).json() for text in texts]
    assert [found["label"] for found in together] == [found["label"] for found in alone]
    assert len({found["request_id"] for found in [*together, *alone]}) == 6


def test_what_was_served_and_corrected_becomes_the_next_weeks_rows(serve: Serve, home: Home) -> None:
    """Requests and corrections land as Parquet that intake takes, each once; feedback becomes no label."""
    client = serve(durable=True)
    asked = client.post(URL, json={"texts": ["money back please", "where is the parcel"]}).json()["answers"]
    body = {
        "classifier": "small",
        "request_id": asked[0]["request_id"],
        "label": "green",
        "saw_prediction": False,
    }
    body["ts"] = "2026-01-06T10:00:00Z"
    assert [client.post("/v1/corrections", json=body).status_code for _ in range(2)] == [201, 201]
    word = {"classifier": "small", "request_id": asked[1]["request_id"], "verdict": "wrong", "label": "violet"}
    assert client.post("/v1/feedback", json=word).status_code == 202
    client.__exit__(None, None, None)
    client.__enter__()
    taken = Landing(home, open_warehouse(home, "small")).take(Specs(home)["small"])
    assert {found.kind: found.accepted for found in taken} == {"production_logs": 2, "corrections": 1}
    assert sum(found.rejected for found in taken) == 0
    (feedback,) = home.feedback("small").glob("*.parquet")
    assert pq.read_table(feedback)["verdict"].to_pylist() == ["wrong"]
    listed, complete = read_sealed(home, "small")
    assert complete
    assert feedback in listed
    assert {path.parent.name for path in listed} == {"production_logs", "corrections", "feedback"}


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 422, "Invalid JSON"),
        (b"{", 422, "Invalid JSON"),
        (b"[]", 422, "object"),
        (b"{}", 422, "Give either text or texts"),
        (b'{"text": "a", "texts": ["b"]}', 422, "Give either text or texts"),
        (b'{"text": 5}', 422, "text: Input should be a valid string"),
        (b'{"text": ""}', 422, "text: "),
        (b'{"text": "  "}', 422, "the text is empty"),
        (b'{"text": NaN}', 422, "text: "),
        (b'{"text": "\\ud800"}', 422, "a text holds a lone surrogate"),
        (b'{"text": "a\\u0000b"}', 422, "control characters"),
        (b'{"text": "a\\u001b[31m"}', 422, "control characters"),
        (b'{"text": "\xff\xfe"}', 422, "Invalid JSON"),
        (b'{"text": "a", "evil": 1}', 422, "Extra inputs are not permitted"),
        (b'{"texts": []}', 422, "texts: "),
        (b'{"text": "' + b"a" * 65537 + b'"}', 422, "longer than 65536 characters"),
        (b'{"text": "' + b"a" * 280000 + b'"}', 413, "larger than 270336 bytes"),
        (b"[" * 60000, 422, "Invalid JSON"),
        (json.dumps({"texts": ["a"] * 33}).encode(), 413, "More than 32 texts"),
    ],
)
def test_a_bad_body_is_refused_in_one_sentence(serve: Serve, body: bytes, status: int, said: str) -> None:
    """The status is never 500, and nothing of the body is sent back."""
    found = serve().post(URL, content=body, headers={"Content-Type": "application/json"})
    assert found.status_code == status
    assert said in found.json()["error"]["message"]
    assert "evil" not in found.text
    if said == "Extra inputs are not permitted":
        assert "Known fields: text, texts, user_id." in found.json()["error"]["hint"]
    assert "aaaaaaaaaa" not in found.text


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "..%2f..%2fetc", "a/b", "small%00", "Small", "x" * 300, "none", "%0d%0aX: y"]
)
def test_a_name_is_looked_up_and_never_becomes_a_path(serve: Serve, name: str) -> None:
    """T13: whatever a client calls a classifier, there is none of that name."""
    assert serve().post(f"/v1/classifiers/{name}", json={"text": "a"}).status_code in (404, 405)


@pytest.mark.feature(33)
def test_a_home_without_a_promotion_is_not_ready(made: tuple[Home, list[str]], serve: Serve, home: Home) -> None:
    """The bare base model never answers: 404 for the classifier, 503 with the cure for the probe."""
    for path in (home.ledger("small"), home.checkpoint("small"), home.flags):
        path.unlink()
    client = serve()
    assert client.post(URL, json={"text": "a"}).status_code == 404
    found = client.get("/readyz")
    assert found.status_code == 503
    assert "has no live adapter" in found.json()["problems"]["small"]
    assert client.get("/healthz").json() == {"status": "ok"}


def test_a_classifier_that_was_never_promoted_makes_no_other_unready(serve: Serve, home: Home) -> None:
    """It is named, asking it is 404 with what serves, and one that fails though it was promoted is a problem still."""
    shutil.copytree(home.classifier("small"), home.classifier("other"))
    for path in (home.ledger("other"), home.checkpoint("other")):
        path.unlink()
    client = serve(poll_s=60)
    found = client.get("/readyz")
    assert (found.status_code, found.json()["problems"], found.json()["unpromoted"]) == (200, {}, ["other"])
    asked = client.post("/v1/classifiers/other", json={"text": "a"})
    assert (asked.status_code, asked.json()["error"]["hint"]) == (404, "Serving: small.")
    assert "has no live adapter" in client.app.state.gateway.slots.problems["other"]  # type: ignore[attr-defined] # as ever
    home.ledger("small").unlink()
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows no more than ASGI
    assert (client.get("/readyz").status_code, list(client.get("/readyz").json()["problems"])) == (503, ["small"])


def test_metrics_and_status_say_what_serves(serve: Serve, made: tuple[Home, list[str]]) -> None:
    """Prometheus' text holds the counted request and the digest; the status names it too."""
    client = serve()
    client.post(URL, json={"text": "where is the parcel"})
    text = client.get("/metrics").text
    assert 'ratchet_requests_total{classifier="small",code="200",slot="live"} 1.0' in text
    assert made[1][0] in text
    assert client.get("/v1/status").json()["classifiers"]["small"]["adapters"] == {"live": made[1][0]}


def test_without_keys_nothing_is_served_unless_the_operator_says_so(home: Home) -> None:
    """A missing file opens nothing; an open gateway stays on loopback, and is closed as soon as there is a key."""
    with pytest.raises(RatchetError, match="has no keys") as stopped:
        create_app(Settings(home=home.root))
    assert "'ratchet key NAME --scope classify'" in stopped.value.hint
    assert "'ratchet serve --open'" in stopped.value.hint
    with pytest.raises(RatchetError, match=r"on loopback only, not on 0\.0\.0\.0"):
        create_app(Settings(home=home.root, host="0.0.0.0", open=True))  # noqa: S104 - refused
    Keys(home.keys).add("app", ("classify",))
    with TestClient(create_app(Settings(home=home.root, open=True, ballast_bytes=0))) as client:
        assert client.post(URL, json={"text": "money back"}).status_code == 401


def test_every_route_asks_for_its_scope(serve: Serve, home: Home, walk: Walk) -> None:
    """T16: each route against no key, a wrong key and each scope; only health is open."""
    secrets = {scope: Keys(home.keys).add(scope, (scope,)) for scope in SCOPES}
    client = serve()
    asked: dict[str, set[str]] = {}
    paths = walk(client)
    described = [
        (path, method.upper())
        for path, found in client.get("/openapi.json").json()["paths"].items()
        for method in found
    ]
    assert sorted([*described, ("/openapi.json", "GET")]) == paths
    for route, method in paths:
        path = route.replace("{name}", "small")
        for who, key in {"nobody": "", "stranger": "rk_wrong", **secrets}.items():
            found = client.request(
                method, path, content=b"{}", headers={"Authorization": f"Bearer {key}"} if key else {}
            )
            if found.status_code not in (401, 403):
                asked.setdefault(route, set()).add(who)
    everyone = {"nobody", "stranger", *SCOPES}
    assert asked == {
        "/v1/classifiers/{name}": {"classify", "admin"},
        "/v1/feedback": {"feedback", "admin"},
        "/v1/corrections": {"annotate", "admin"},
        "/classify": {"classify", "admin"},
        "/v1/classify": {"classify", "admin"},
        "/v1/models": {"classify", "admin"},
        "/": {"classify", "review", "read", "admin"},
        "/v1/overview": {"read", "admin"},
        "/reports/{name}": {"read", "admin"},
        "/reports/{name}/{week}": {"read", "admin"},
        "/reports/{name}/{week}/cells": {"read", "admin"},
        "/predict": {"classify", "admin"},
        "/models/{name}": {"classify", "admin"},
        "/info": {"classify", "admin"},
        "/health": everyone,
        "/docs": everyone,
        "/docs/{file}": everyone,
        "/manual": everyone,
        "/manual/{path}": everyone,
        "/llms.txt": everyone,
        "/openapi.json": everyone,
        "/healthz": everyone,
        "/readyz": everyone,
        "/metrics": {"read", "admin"},
        "/v1/status": {"classify", "admin"},
        "/rollout/{name}": {"read", "admin"},
        "/rollout/{name}/{action}": {"admin"},
        "/why/{request_id}": {"admin"},
        "/trends/{name}": {"read", "admin"},
        "/trends/{name}/history.json": {"read", "admin"},
        "/trends/{name}/history.csv": {"read", "admin"},
        "/review": {"review", "admin"},
        "/review/{name}": {"review", "admin"},
        "/review/{name}/next": {"review", "admin"},
        "/review/{name}/answer": {"review", "admin"},
        "/review/{name}/skip": {"review", "admin"},
        "/review/{name}/undo": {"review", "admin"},
        "/review/{name}/people": {"admin"},
        "/login": everyone,
        "/logout": everyone,
    }
    assert all(secret not in home.keys.read_text() for secret in secrets.values())


def test_a_key_has_its_rate(serve: Serve, home: Home) -> None:
    """The third request of a key that may ask twice a minute is told to wait."""
    headers = {"Authorization": f"Bearer {Keys(home.keys).add('slow', ('classify',), per_minute=2)}"}
    client = serve()
    found: list[Any] = [client.get("/v1/status", headers=headers) for _ in range(3)]
    assert [response.status_code for response in found] == [200, 200, 429]
    assert found[2].headers["Retry-After"] == "1"


def test_a_digest_that_no_slot_holds_any_more_leaves_the_metrics(
    serve: Serve, made: tuple[Home, list[str]], enter: Callable[[str], None]
) -> None:
    """After a swap and its watch Prometheus sees the new digest only."""
    client = serve()
    assert made[1][0] in client.get("/metrics").text
    enter(made[1][1])
    enter(made[1][1], "release")
    client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # Starlette's client knows no more than ASGI
    text = client.get("/metrics").text
    assert made[1][1] in text
    assert made[1][0] not in text


def test_what_the_operator_must_mend_is_503_and_told_to_the_log_only(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """A client learns that it may ask again, not which file is broken."""
    client = serve()

    @client.app.get("/broken")  # type: ignore[attr-defined] # as above
    def broken() -> None:
        raise RatchetError("/srv/home/ledger.jsonl line 3 cannot be read.", code="broken_ledger")

    found = client.get("/broken")
    assert (found.status_code, found.json()["error"]["code"], found.headers["Retry-After"]) == (
        503,
        "broken_ledger",
        "5",
    )
    assert "ledger.jsonl" not in found.text
    assert "/srv/home/ledger.jsonl line 3" in caplog.text


def test_a_text_that_intake_would_refuse_is_refused_at_once(serve: Serve, home: Home) -> None:
    """The specification's own limit holds at the door."""
    path = home.spec("small")
    path.write_text("max_text_chars = 20\n" + path.read_text())
    found = serve().post(URL, json={"text": "where is the parcel of last week"})
    assert (found.status_code, found.json()["error"]["message"]) == (422, "text: longer than 20 characters.")


def test_what_is_done_again_and_again_outlives_its_failures() -> None:
    """A disk that cannot be seen to once is seen to the next time; each failure is told."""
    told: list[str] = []

    async def until_the_third() -> None:
        done = asyncio.Event()
        loop, turns = asyncio.get_running_loop(), iter((True, True, False))

        def work() -> None:
            if next(turns):
                raise PermissionError("not yours")
            loop.call_soon_threadsafe(done.set)

        task = asyncio.create_task(repeat(work, 0.0, "lost", lambda: told.append("upset")))
        await asyncio.wait_for(done.wait(), 60)
        task.cancel()

    asyncio.run(until_the_third())
    assert told == ["upset", "upset"]
