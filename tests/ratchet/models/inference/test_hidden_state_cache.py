"""Two adapters of upper layers share what lies below: the second one asked need not compute it, and answers as it would
alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from ratchet.config.prompt import Prompt, PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.hidden_state_cache import HiddenStateCache
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.multi_adapter import AdapterPredictor
from ratchet.models.inference.multi_adapter_causal import MultiAdapterCausal
from ratchet.models.inference.predictor import Predictor, load_predictor
from ratchet.models.layers import find_layers
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal

TEXTS = ["where is my card", "money", "the rate is too high and I want my money back today", ""]
LABELS = ("card", "money", "rate")


def prompt_of(template: str) -> Prompt:
    """A prompt around the text; what stands before it is shared."""
    return make_prompt(PromptPolicy(template=template), [Label(name) for name in LABELS])


@pytest.fixture(
    scope="module", params=["Message: {text}\nAnswer:", "{text}\nAnswer:"], ids=["shared part", "no shared part"]
)
def folders(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two adapters of the upper two of four layers, one of the upper one, one of all."""
    root, prompt = tmp_path_factory.mktemp("adapters"), prompt_of(request.param)
    base = resolve_base(str(write_tiny_causal(root / "base", [*TEXTS, prompt.render("")], layers=4)))
    shapes = {"live": ("top:2", 1), "shadow": ("top:2", 2), "higher": ("top:1", 3), "all": ("all", 4)}
    return {
        name: write_tiny_adapter(root / name, base, LABELS, seed=seed, layers=layers, prompt=prompt)
        for name, (layers, seed) in shapes.items()
    }


@pytest.fixture(scope="module")
def alone(folders: dict[str, Path]) -> dict[str, Predictor]:
    """Each merged into weights of its own."""
    return {name: load_predictor(folder) for name, folder in folders.items()}


def close(shared: AdapterPredictor, alone: Predictor, texts: list[str] = TEXTS) -> bool:
    """Whether it says what it says alone."""
    return bool(
        np.allclose(
            shared.model.answer([(shared, texts)])[0][0].probabilities, alone.predict(texts).probabilities, atol=1e-5
        )
    )


def break_lower(model: object, count: int) -> None:
    """Have the lowest layers say NaN from now on."""
    for layer in find_layers(model._model)[1][:count]:  # type: ignore[attr-defined]
        for value in layer.parameters():
            value.data.fill_(float("nan"))


def test_the_second_of_two_needs_no_lower_layers(folders: dict[str, Path], alone: dict[str, Predictor]) -> None:
    """Live answers, the lower layers break, shadow still answers the same texts; a text that live was not asked shows
    the break."""
    bases = ModelPool()
    live, shadow = bases.load(folders["live"]), bases.load(folders["shadow"])
    assert close(live, alone["live"])
    break_lower(live.model, 2)
    assert close(shadow, alone["shadow"])
    assert close(shadow, alone["shadow"], TEXTS[:1])
    with torch.inference_mode():
        assert np.isnan(shadow.logits(["card today"])).all()


def test_what_is_spared_is_counted_all_the_same(folders: dict[str, Path]) -> None:
    """What an adapter costs does not depend on who was asked first, or the second would seem quick to the guardrail of
    latency."""
    bases = ModelPool()
    live, shadow = bases.load(folders["live"]), bases.load(folders["shadow"])
    assert isinstance(live.model, MultiAdapterCausal)
    live.model.answer([(live, TEXTS)])
    rows = live.model._memo._rows
    rows.update({key: (states, 5.0) for key, (states, _) in rows.items()})
    _, seconds = live.model.answer([(shadow, TEXTS)])
    assert 20 < seconds < 25
    _, seconds = live.model.answer([(shadow, ["another text"])])
    assert seconds < 5


def test_others_are_not_given_what_is_not_theirs(folders: dict[str, Path], alone: dict[str, Predictor]) -> None:
    """Adapters that begin elsewhere, or nowhere, in any order and in one batch."""
    bases = ModelPool()
    shared = {name: bases.load(folder) for name, folder in folders.items()}
    for order in (list(folders), list(folders)[::-1], [*folders, *folders]):
        assert all(close(shared[name], alone[name]) for name in order)
    asked = [(shared[name], TEXTS) for name in ("live", "all", "shadow", "higher")]
    found, _ = asked[0][0].model.answer(asked)
    for (predictor, texts), said in zip(asked, found, strict=True):
        name = next(name for name in folders if shared[name] is predictor)
        assert np.allclose(said.probabilities, alone[name].predict(texts).probabilities, atol=1e-5)


def test_one_alone_remembers_nothing(folders: dict[str, Path]) -> None:
    """Without another that could use it nothing is kept."""
    bases = ModelPool()
    live = bases.load(folders["live"])
    live.predict(TEXTS)
    assert isinstance(live.model, MultiAdapterCausal)
    assert not live.model._memo._rows


def test_the_oldest_rows_go_first() -> None:
    """Within its bytes, and a row that is kept again is not counted twice."""
    memo = HiddenStateCache(most_bytes=3 * 4 * 8)
    for key in ("a", "b", "b", "c", "d"):
        memo.keep([key], torch.full((1, 5, 8), float(ord(key))), [1], 1.0)
    assert memo.recall(["a"], 1) is None
    assert memo.recall(["b", "a"], 1) is None
    found = memo.recall(["b", "d"], 2)
    assert found is not None
    assert found[0][:, :, 0].tolist() == [[98.0, 0.0], [100.0, 0.0]]
    assert found[1] == 2.0
