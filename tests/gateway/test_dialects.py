"""Clients of vLLM and Text Embeddings Inference get their own shapes, and exactly the answers of the gateway's own
route."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.routes import tei
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys

Serve = Callable[..., TestClient]
TEXTS = ["money back please", "where is the parcel", "my password is lost"]


def own(client: TestClient, texts: list[str]) -> list[dict[str, Any]]:
    """The answers of the gateway's own route."""
    answers: list[dict[str, Any]] = client.post("/v1/classifiers/small", json={"texts": texts}).json()["answers"]
    return answers


@pytest.mark.feature(30)
def test_vllm_clients_get_the_same_answers(serve: Serve, made: tuple[Home, list[str]]) -> None:
    """Every field that vLLM sends is there; label and probabilities are those of the own route, tokens are counted."""
    client = serve()
    found = client.post("/v1/classify", json={"model": "small", "input": TEXTS, "user": "u1"})
    body, expected = found.json(), own(client, TEXTS)
    assert set(body) == {"id", "object", "created", "model", "data", "usage"}
    assert (body["object"], body["model"]) == ("list", "small")
    assert body["id"].startswith("classify-rq_")
    assert body["usage"]["prompt_tokens"] == body["usage"]["total_tokens"] >= 3 * 3
    assert [row["index"] for row in body["data"]] == [0, 1, 2]
    for row, answer in zip(body["data"], expected, strict=True):
        assert set(row) == {"index", "label", "probs", "num_classes"}
        assert (row["label"], row["num_classes"]) == (answer["label"], 3)
        assert row["probs"] == pytest.approx(list(answer["probabilities"].values()), abs=1e-6)
    assert found.headers["X-Ratchet-Adapter"] == made[1][0]
    assert len(found.headers["X-Ratchet-Request-Id"].split(", ")) == 3
    assert client.post("/v1/classify", json={"input": TEXTS[0]}).json()["data"][0]["label"] == expected[0]["label"]


def test_what_vllm_publishes_as_optional_is_taken(serve: Serve) -> None:
    """Both routes, each field of its schema, fields of its newer versions, and a user that is a number or empty."""
    client = serve()
    first = own(client, TEXTS[:1])[0]
    for optional in (
        {"model": ""}, {"model": None}, {"user": ""}, {"user": 17}, {"user": None}, {"truncate_prompt_tokens": -1},
        {"truncation_side": "left"}, {"add_special_tokens": False}, {"priority": 3}, {"padding": "do_not_pad"},
        {"use_activation": True}, {"softmax": True}, {"mm_processor_kwargs": {"a": 1}}, {"cache_salt": "x"},
        {"encoding_format": "float"}, {"a field of next year": [1]},
    ):  # fmt: skip
        for path in ("/classify", "/v1/classify"):
            found = client.post(path, json={"model": "small", "input": TEXTS[0], **optional})
            assert found.status_code == 200, (optional, found.text)
            assert found.json()["data"][0]["label"] == first["label"]
    for off in ({"use_activation": False}, {"activation": False}, {"softmax": False}):
        probs = client.post("/classify", json={"input": TEXTS[0], **off}).json()["data"][0]["probs"]
        assert [math.exp(score) for score in probs] == pytest.approx(list(first["probabilities"].values()), abs=1e-6)
    assert client.post("/classify", json={"input": TEXTS[0], "request_id": "mine"}).json()["id"] == "classify-mine"


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"input": [101, 2023, 102]}, 400, "input: token ids cannot be classified here."),
        ({"input": [[101, 102], [103]]}, 400, "input: token ids cannot be classified here."),
        ({"input": []}, 422, "input"),
        ({"messages": [{"role": "user", "content": "a"}]}, 422, "input: Field required"),
        ({"model": "other", "input": "a"}, 404, "does not serve that classifier"),
        ({"input": "a", "user": True}, 422, "user"),
        ({"input": "a", "user": "\u0000"}, 422, "user"),
    ],
)
def test_vllm_clients_are_told_what_cannot_be_done(
    serve: Serve, body: dict[str, Any], status: int, message: str
) -> None:
    """One sentence in `error.message`, which those clients show."""
    found = serve().post("/classify", json=body)
    assert (found.status_code, message in found.json()["error"]["message"]) == (status, True), found.text


def test_a_user_may_be_empty_or_a_number(
    serve: Serve, made: tuple[Home, list[str]], enter: Callable[..., None]
) -> None:
    """17, 17.0 and "17" are one user; an empty one is none, and such requests fall into buckets of their own."""
    enter(made[1][1], "shadow")
    enter(made[1][1], "step", 50)
    client = serve()

    def slot(user: Any) -> str:
        found = client.post("/v1/classifiers/small", json={"text": TEXTS[0], "user_id": user})
        assert found.status_code == 200, found.text
        return str(found.json()["slot"])

    for number in range(12):
        assert len({slot(each) for each in (number, float(number), str(number))}) == 1
    assert {slot(user) for _ in range(12) for user in ("", " ", None)} == {"live", "candidate"}
    assert (slot(-0.0), slot(2.5), slot(1e300)) == (slot("0"), slot("2.5"), slot("1e+300"))


def test_an_answer_in_another_dialect_can_be_spoken_of(serve: Serve) -> None:
    """The header's id is taken as feedback."""
    client = serve()
    for path, body in (("/v1/classify", {"input": "a b"}), ("/predict", {"inputs": "a b"})):
        request_id = client.post(path, json=body).headers["X-Ratchet-Request-Id"]
        word = {"classifier": "small", "request_id": request_id, "verdict": "right"}
        assert client.post("/v1/feedback", json=word).status_code == 202


@pytest.mark.feature(30)
def test_tei_clients_get_every_label_ranked(serve: Serve) -> None:
    """One list for a text, a list of lists for a batch; raw scores are logarithms of the same probabilities."""
    client = serve()
    expected = own(client, TEXTS)
    alone = client.post("/predict", json={"inputs": TEXTS[0]}).json()
    assert [set(row) for row in alone] == [{"label", "score"}] * 3
    assert alone[0]["label"] == expected[0]["label"]
    assert [row["score"] for row in alone] == sorted((row["score"] for row in alone), reverse=True)
    assert {row["label"]: row["score"] for row in alone} == pytest.approx(expected[0]["probabilities"], abs=1e-6)
    assert client.post("/predict", json={"inputs": [TEXTS[0]], "truncate": True}).json() == alone
    batch = client.post("/predict", json={"inputs": [[text] for text in TEXTS], "raw_scores": True}).json()
    pair = client.post("/predict", json={"inputs": TEXTS[:2]}).json()
    assert {row["label"]: row["score"] for row in pair} == pytest.approx(
        own(client, ["\n".join(TEXTS[:2])])[0]["probabilities"], abs=1e-6
    )
    assert client.post("/predict", json={"inputs": [TEXTS[:1], TEXTS[:2]]}).json() == [alone, pair]
    for optional in (
        {"truncate": None}, {"truncate": False}, {"truncation_direction": "Left"}, {"truncation_direction": "right"},
        {"raw_scores": False}, {"normalize": True}, {"prompt_name": None}, {"options": {"wait_for_model": True}},
    ):  # fmt: skip
        assert client.post("/predict", json={"inputs": TEXTS[0], **optional}).json() == alone, optional
    assert [rows[0]["label"] for rows in batch] == [answer["label"] for answer in expected]
    assert math.exp(batch[0][0]["score"]) == pytest.approx(alone[0]["score"])


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({"inputs": ["a", "b", "c"]}, 422, "Tokenizer"),
        ({"inputs": [["a", "b", "c"]]}, 422, "Tokenizer"),
        ({"inputs": []}, 422, "Tokenizer"),
        ({"inputs": ""}, 422, "Tokenizer"),
        ({"inputs": "a", "parameters": {"function_to_apply": "sigmoid"}}, 422, "Tokenizer"),
        ({"inputs": "a", "parameters": {"top_k": 0}}, 422, "Tokenizer"),
        ({"inputs": [["a"]] * 33}, 413, "Validation"),
        ({"inputs": "a" * 70_000}, 422, "Tokenizer"),
        ({"inputs": "a" * 300_000}, 413, "Validation"),
    ],
)
def test_tei_clients_are_refused_in_their_own_form(serve: Serve, body: dict[str, Any], status: int, kind: str) -> None:
    """`{error, error_type}`, with the status that their client knows, on each route that takes such a body."""
    client = serve()
    for path in ("/predict", "/", "/models/small"):
        found = client.post(path, json=body)
        assert (found.status_code, found.json()["error_type"]) == (status, kind)
        assert set(found.json()) == {"error", "error_type"}


def test_tei_clients_are_told_of_a_missing_key_and_of_overload_in_their_form(serve: Serve, home: Home) -> None:
    """The refusals that no route raises itself have that form too."""
    Keys(home.keys).add("web", ("classify",))
    assert set(serve().post("/predict", json={"inputs": "a"}).json()) == {"error", "error_type"}
    home.keys.unlink()
    full = serve(max_waiting=1).post("/predict", json={"inputs": [["a"], ["b"]]})
    assert (full.status_code, full.json()["error_type"], full.headers["Retry-After"]) == (429, "Overloaded", "1")


def test_info_models_and_health_say_what_serves(serve: Serve, made: tuple[Home, list[str]]) -> None:
    """The names that clients of those servers look for."""
    client = serve()
    info = client.get("/info").json()
    assert (info["model_id"], info["model_sha"], info["max_client_batch_size"]) == ("small", made[1][0], 32)
    assert info["max_input_length"] == 32
    assert info["model_type"]["classifier"]["id2label"] == {"0": "amber", "1": "green", "2": "violet"}
    models = client.get("/v1/models").json()
    assert (models["object"], [row["id"] for row in models["data"]]) == ("list", ["small"])
    assert (client.get("/health").status_code, client.get("/health").content) == (200, b"")


def test_without_a_default_a_nameless_question_is_refused(serve: Serve, home: Home) -> None:
    """Nothing serves, or the one that the operator named does not: 404 says which setting to use, and `/health` is
    503."""
    home.ledger("small").unlink()
    home.flags.unlink()
    client = serve()
    for found in (client.post("/predict", json={"inputs": "a"}), client.get("/info")):
        assert found.status_code == 404
        assert "RATCHET_GATEWAY_DEFAULT_CLASSIFIER" in found.json()["error"]
    assert client.get("/health").json()["error_type"] == "Unhealthy"
    assert client.get("/health").status_code == 503


def test_the_operators_default_answers(serve: Serve, home: Home) -> None:
    """Of two classifiers only the named one is the default; a name that is no classifier is refused at the start."""
    from gateway.app import create_app
    from gateway.routes.default_classifier import default_classifier
    from gateway.settings import Settings
    from ratchet.core.errors import RatchetError

    client = serve(default_classifier="small")
    assert client.get("/info").json()["model_id"] == "small"
    assert default_classifier(client.app.state.gateway) == "small"  # type: ignore[attr-defined] # the client knows only ASGI
    with pytest.raises(RatchetError, match="no classifier 'smal'"):
        create_app(Settings(home=home.root, open=True, default_classifier="smal"))


def test_every_reference_of_the_openapi_document_leads_somewhere(serve: Serve) -> None:
    """Bodies have parts of their own, and clients are generated from the document."""
    document = serve().get("/openapi.json").json()
    named = set(re.findall(r'"\$ref": "#/components/schemas/([^"]+)"', json.dumps(document)))
    assert named
    assert named <= set(document["components"]["schemas"])
    assert "#/$defs" not in json.dumps(document)


def test_the_requests_of_the_shared_cases_are_answered(serve: Serve) -> None:
    """Each line of that script, as it stands there."""
    script = Path(__file__).parents[2].parent / "shared" / "cases" / "clients" / "requests.sh"
    if not script.exists():
        pytest.skip("the shared cases are not beside this checkout")
    asked = re.findall(r"localhost:\$PORT(\S+).* -d '(.*?)'", script.read_text())
    assert asked
    client = serve()
    for path, body in asked:
        found = client.post(path, json=json.loads(body.replace("NAME", "small")))
        assert (found.status_code, found.json()["data"][0]["num_classes"]) == (200, 3), body


def test_every_refusal_shape_names_a_route(serve: Serve, walk: Callable[[TestClient], list[tuple[str, str]]]) -> None:
    """A path that is misspelt there would answer in the wrong form."""
    assert set(tei.ERROR_SHAPES) <= {path for path, _ in walk(serve())}
