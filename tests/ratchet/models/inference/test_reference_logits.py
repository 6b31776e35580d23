"""An adapter serves only while it says of fixed prompts what was recorded at its training."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from safetensors.torch import load, save

from ratchet.core.errors import RatchetError
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import read_folder
from ratchet.models.adapters.format import AdapterCard
from ratchet.models.base_models import resolve_base
from ratchet.models.inference import reference_logits as canary
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.inference.reference_logits import (
    PROMPTS,
    TOLERANCE,
    check_reference_logits,
    record_reference_logits,
)
from ratchet.testing.tiny_adapter import write_tiny_adapter

Plant = Callable[..., ModuleType]


@pytest.fixture(params=["lora", "probe"])
def folder(request: pytest.FixtureRequest, tiny_base: Path, tmp_path: Path) -> Path:
    """An adapter of either method, canary included."""
    base = resolve_base(str(tiny_base))
    return write_tiny_adapter(tmp_path / "adapter", base, ("card", "money", "rate"), seed=1, method=request.param)


def change_weights(folder: Path, factor: float) -> None:
    """Scale the first tensor of an adapter; its card stays."""
    path = next(folder.glob("*.safetensors"))
    tensors = load(path.read_bytes())
    name = sorted(tensors)[0]
    path.write_bytes(save({**tensors, name: tensors[name] * factor}))


def check(folder: Path, by: ModuleType = canary) -> None:
    """What a gateway does when it loads an adapter."""
    found = ModelPool().load(folder)
    by.check_reference_logits(found.card, found.logits)


def test_an_adapter_answers_as_it_was_recorded(folder: Path) -> None:
    """Unchanged, it passes; so does what a training wrote, which records the same."""
    check(folder)
    assert json.loads((folder / form.CARD).read_text())["canary"] == record_reference_logits(folder)


def test_training_records_the_canary(trained: Path) -> None:
    """The card of a trained LoRA and of a trained probe holds it, and the adapter passes."""
    for index in (0, 1):
        check(trained / f"candidate-{index}" / "adapter")


def test_changed_weights_are_refused_whatever_their_manifest_says(folder: Path, plant: Plant) -> None:
    """T19: one tensor a tenth larger, with a manifest made anew: every digest fits, the answers do not.

    Planted: a check that does not compare lets it through.
    """
    change_weights(folder, 1.1)
    content = read_folder(folder)
    (folder / form.MANIFEST).write_bytes(form.make_manifest(content))
    load_predictor(folder)
    with pytest.raises(RatchetError, match="away from those recorded at its training") as caught:
        check(folder)
    assert caught.value.code == "bad_canary"
    check(folder, by=plant(canary, "if not distance <= limit:", "if False:"))


def test_what_rounding_moves_is_let_through(folder: Path) -> None:
    """A hundredth of the tolerance passes, twice the tolerance does not, nor does what is no number."""
    found = ModelPool().load(folder)
    unit = max(
        1.0,
        max(abs(value) for row in json.loads((folder / form.CARD).read_text())["canary"]["logits"] for value in row),
    )
    check_reference_logits(found.card, lambda texts: found.logits(texts) + TOLERANCE * unit / 100)
    for wrong in (2 * TOLERANCE * unit, float("nan")):
        with pytest.raises(RatchetError, match="away from"):
            check_reference_logits(found.card, lambda texts, wrong=wrong: found.logits(texts) + wrong)


def test_an_adapter_without_a_canary_is_read_but_does_not_serve(folder: Path) -> None:
    """Cards of before are read by everything else; the refusal names the cure."""
    path = folder / form.CARD
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "canary"}))
    assert load_predictor(folder).predict(["rate"]).labels
    with pytest.raises(RatchetError, match="has no canary") as caught:
        check(folder)
    assert (caught.value.code, caught.value.hint) == (
        "bad_canary",
        "Run its cycle again, and promote the adapter that it makes.",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        {"prompts": 1},
        {"prompts": "1", "logits": []},
        {"prompts": True, "logits": []},
        {"prompts": 1, "logits": [[1.0]]},
        {"prompts": 1, "logits": [[1.0, "2", 3.0]]},
        {"prompts": 1, "logits": {}},
        {"prompts": 1, "logits": [], "more": 1},
    ],
)
def test_a_canary_of_another_form_makes_no_card(folder: Path, wrong: Any) -> None:
    """It is refused where every card is."""
    path = folder / form.CARD
    path.write_text(json.dumps({**json.loads(path.read_text()), "canary": wrong}))
    with pytest.raises(RatchetError, match="canary") as caught:
        load_predictor(folder)
    assert caught.value.code == "bad_adapter"


@pytest.mark.parametrize(("number", "rows"), [(99, len(PROMPTS[1])), (1, 3), (1, 0)])
def test_a_canary_of_other_prompts_is_refused(folder: Path, number: int, rows: int) -> None:
    """A list that is unknown here, or with other rows than prompts."""
    card = form.read_card(read_folder(folder)).as_json()
    card = AdapterCard.from_json({**card, "canary": {"prompts": number, "logits": [[0.0, 0.0, 0.0]] * rows}})
    with pytest.raises(RatchetError, match="does not match the prompts of list"):
        check_reference_logits(card, ModelPool().load(folder).logits)


def test_an_adapter_that_serves_otherwise_than_it_is_evaluated_is_not_recorded(folder: Path, plant: Plant) -> None:
    """The evaluation would be about another model."""
    other = plant(canary, "load_predictor(folder).logits(prompts)", "load_predictor(folder).logits(prompts) * 1.1")
    with pytest.raises(RatchetError, match="away from those of evaluation"):
        other.record_reference_logits(folder)


def test_prompts_are_of_many_shapes() -> None:
    """A dozen: nearly nothing, long, other scripts; the first list never changes, for cards name it."""
    prompts = PROMPTS[1]
    assert len(set(prompts)) == len(prompts) >= 12
    assert (min(map(len, prompts)), max(len(each.split()) for each in prompts) > 128) == (1, True)
    assert sum(not each.isascii() for each in prompts) >= 3
    assert form.digest_json(list(prompts))[:16] == "21c2100aa2bf9ac2"


def test_the_tolerance_is_far_from_rounding(folder: Path) -> None:
    """One by one or together, shared or merged: the distance is a tenth of the tolerance at most."""
    found, prompts = ModelPool().load(folder), PROMPTS[1]
    together = found.logits(prompts)
    alone = np.vstack([found.logits([prompt]) for prompt in prompts])
    merged = load_predictor(folder).logits(prompts)
    assert max(np.abs(together - alone).max(), np.abs(together - merged).max()) < TOLERANCE / 10
