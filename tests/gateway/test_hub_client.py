"""huggingface_hub's own client works unchanged against the gateway: over a socket, with a key, by every address."""

import math
from collections.abc import Callable

import httpx
import pytest
from huggingface_hub import InferenceClient, constants
from huggingface_hub.errors import HfHubHTTPError

from gateway.settings import Settings
from ratchet.storage.home import Home
from ratchet.storage.keys.api_keys import Keys

pytestmark = pytest.mark.slow

TEXT = "money back please"


@pytest.fixture
def address(home: Home, over_socket: Callable[[Settings], str]) -> str:
    """Where the application over the home answers."""
    return over_socket(Settings(home=home.root, ballast_bytes=0))


@pytest.fixture
def key(home: Home, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key that may classify; the client sends it as `Authorization: Bearer`, and may use the network here."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return Keys(home.keys).add("hub", ("classify",))


def test_the_hubs_client_classifies(key: str, address: str) -> None:
    """By `base_url`, by `model`, at the root and by a classifier's name; `top_k` and `function_to_apply` count."""
    own = httpx.post(
        f"{address}/v1/classifiers/small", json={"text": TEXT}, headers={"Authorization": f"Bearer {key}"}
    ).json()
    expected = pytest.approx(own["probabilities"], abs=1e-6)
    for client in (
        InferenceClient(base_url=address, api_key=key),
        InferenceClient(f"{address}/predict", token=key),
        InferenceClient(model=f"{address}/models/small", token=key, provider="hf-inference"),
    ):
        found = client.text_classification(TEXT)
        assert {each.label: each.score for each in found} == expected
        assert found[0].label == own["label"]
        assert [each.label for each in client.text_classification(TEXT, top_k=1)] == [own["label"]]
        assert client.text_classification(TEXT, function_to_apply="softmax") == found
        raw = client.text_classification(TEXT, function_to_apply="none")
        assert {each.label: math.exp(each.score) for each in raw} == expected
    asked = InferenceClient(token=key).text_classification(TEXT, model=f"{address}/")
    assert asked[0].label == own["label"]


def test_the_hubs_client_shows_why_it_was_refused(key: str, address: str) -> None:
    """A wrong key, a classifier that does not serve and a function that does not fit: status and sentence."""
    for url, secret, function, said in (
        ("/predict", "rk_wrong", None, "401"),
        ("/models/other", key, None, "404"),
        ("/predict", key, "sigmoid", "sigmoid is for labels that do not exclude each other"),
    ):
        client = InferenceClient(f"{address}{url}", token=secret)
        with pytest.raises(HfHubHTTPError, match=said):
            client.text_classification(TEXT, function_to_apply=function)  # type: ignore[arg-type] # one is wrong
