"""Adapters take turns on one base under load: no request fails, none waits for a load, each answer is whole."""

import itertools
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from safetensors.torch import load, save
from starlette.testclient import TestClient

from gateway.serving import loading
from gateway.serving.slots import Slots
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import read_folder
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.predictor import Predictor, load_predictor
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.tiny_adapter import write_tiny_adapter

pytestmark = pytest.mark.slow

Serve = Callable[..., TestClient]
Enter = Callable[..., None]
Plant = Callable[..., ModuleType]

LABELS = ("amber", "green", "violet")
TEXTS = [
    "money back please",
    "where is the parcel number 7",
    "my password is lost",
    "unheard words only",
    "parcel password money",
]
CLOSE = 1e-5


@pytest.fixture(scope="session")
def loras(made: tuple[Home, list[str]], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three LoRA adapters on the base of the home's own ones."""
    root = tmp_path_factory.mktemp("loras")
    base = resolve_base(str(made[0].root.parent / "base"))
    return [write_tiny_adapter(root / str(n), base, LABELS, seed=n, rank=2 + n) for n in range(3)]


@pytest.fixture
def digests(home: Home, made: tuple[Home, list[str]], loras: list[Path]) -> list[str]:
    """All that may serve: a probe, which is live, and the three LoRA adapters."""
    return [made[1][0], *(AdapterStore(home).seal("small", folder, {}) for folder in loras)]


def ask(client: TestClient, text: str, user: str) -> tuple[int, dict[str, object]]:
    """One request."""
    answer = client.post("/v1/classifiers/small", json={"text": text, "user_id": user})
    return answer.status_code, answer.json()


def is_of(answer: dict[str, object], text: str, alone: dict[str, Predictor]) -> bool:
    """Whether label, confidence and probabilities are what the named adapter says by itself."""
    expected = alone[str(answer["adapter"])].predict([text])
    found = answer["probabilities"]
    assert isinstance(found, dict)
    return (
        answer["label"] == expected.labels[0]
        and answer["confidence"] == pytest.approx(expected.confidence[0], abs=CLOSE)
        and [found[label] for label in LABELS] == pytest.approx(list(expected.probabilities[0]), abs=CLOSE)
    )


@pytest.mark.parametrize("swaps", [12, pytest.param(50, marks=pytest.mark.faults)])
def test_swaps_under_load_fail_and_mix_nothing(
    serve: Serve, home: Home, digests: list[str], enter: Enter, swaps: int
) -> None:
    """F14: four clients ask while live and candidate change, each pair once in twelve; every answer is its own."""
    store = AdapterStore(home)
    alone = {digest: load_predictor(store.open("small", digest)) for digest in digests}
    for digest in digests[1:]:
        enter(digest)
    client = serve(poll_s=0.01)
    found: list[tuple[str, int, dict[str, object]]] = []
    done, answered = threading.Event(), threading.Semaphore(0)

    def work(first: int) -> None:
        for n in itertools.count(first):
            if done.is_set():
                return
            text = TEXTS[n % len(TEXTS)]
            found.append((text, *ask(client, text, f"user{n}")))
            answered.release()

    clients = [threading.Thread(target=work, args=(1000 * n,)) for n in range(4)]
    for each in clients:
        each.start()
    state = client.app.state.gateway  # type: ignore[attr-defined]
    for turn in range(swaps):
        live, candidate = digests[turn % 4], digests[(turn + 1 + turn // 4 % 3) % 4]
        if Ledger(home).live("small") != live:
            enter(live)
        enter(candidate, "shadow")
        enter(candidate, "step", 50)
        while set(state.slots["small"].predictors) != {live, candidate}:
            assert answered.acquire(timeout=60)
        for _ in range(4):
            assert answered.acquire(timeout=60)
    done.set()
    for each in clients:
        each.join()
    assert {status for _, status, _ in found} == {200}
    assert {answer["adapter"] for _, _, answer in found} == set(digests)
    assert [answer for text, _, answer in found if not is_of(answer, text, alone)] == []
    assert state.slots.problems == {}
    (base,) = {found.model for found in state.slots["small"].predictors.values()}
    for n in range(1000):  # a job that ends after its client was answered may hold a former adapter a moment longer
        if base.adapters == 2:
            break
        ask(client, TEXTS[0], f"late{n}")
    assert base.adapters == 2


def forge(home: Home, digest: str) -> str:
    """An adapter with other weights and a manifest made anew, under the name that these bytes give."""
    folder = home.adapters("small") / "forged"
    shutil.copytree(home.adapters("small") / digest, folder)
    for path in folder.iterdir():
        path.chmod(0o644)
    weights = folder / form.WEIGHTS["lora"]
    tensors = load(weights.read_bytes())
    weights.write_bytes(save({name: value * 1.2 for name, value in tensors.items()}))
    (folder / form.MANIFEST).unlink()
    (folder / form.MANIFEST).write_bytes(form.make_manifest(read_folder(folder)))
    return folder.rename(folder.with_name(form.check_manifest(read_folder(folder)))).name


def test_weights_that_were_changed_with_their_manifest_never_serve(
    home: Home, made: tuple[Home, list[str]], digests: list[str], enter: Enter, plant: Plant
) -> None:
    """T19: every digest fits and the ledger promotes it, yet the slot keeps what it had. Planted: without the canary it
    serves."""
    slots, mutant = (
        Slots(home),
        plant(loading, "            check_reference_logits(predictor.card, predictor.logits)\n"),
    )
    slots.follow()
    forged = forge(home, digests[1])
    enter(forged)
    slots.follow()
    assert slots.choose("small", "u1").digest == digests[0]
    assert "canary answers are" in slots.problems["small"]
    assert mutant.load_served(home, "small", None, ModelPool(), None, set()).rollout.live == forged


def test_an_adapter_without_a_canary_keeps_out_and_says_how_to_get_one(
    home: Home, digests: list[str], enter: Enter
) -> None:
    """One from before canaries is read by every command, but takes no traffic."""
    folder = home.adapters("small") / digests[1]
    card = json.loads((folder / form.CARD).read_text())
    bare = folder.with_name("bare")
    bare.mkdir()
    for name in (form.CONFIG, form.WEIGHTS["lora"]):
        (bare / name).write_bytes((folder / name).read_bytes())
    (bare / form.CARD).write_text(json.dumps({key: value for key, value in card.items() if key != "canary"}))
    enter(AdapterStore(home).seal("small", bare, {}))
    slots = Slots(home)
    slots.follow()
    assert "has no canary" in slots.problems["small"]
    assert "Run its cycle again" in slots.problems["small"]


def test_two_slots_share_one_base(home: Home, digests: list[str], enter: Enter) -> None:
    """Live and candidate, a probe and a LoRA: one set of base weights; the adapter that left is gone from it."""
    slots = Slots(home)
    for live, candidate in ((digests[0], digests[1]), (digests[1], digests[2])):
        if Ledger(home).live("small") != live:
            enter(live)
        enter(candidate, "shadow")
        enter(candidate, "step", 50)
        slots.follow()
        assert slots.problems == {}
        assert len({id(found.model) for found in slots["small"].predictors.values()}) == len(slots.bases) == 1
        assert slots["small"].predictors[live].model.adapters == 2
