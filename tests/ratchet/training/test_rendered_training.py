"""A candidate with a rendering learns from the rendered texts, and its card says so: every method alike."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ratchet.data.rendering import render
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.inference.predictor import load_predictor
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import TrainingResult

pytestmark = pytest.mark.slow
METHODS = ("lora", "probe")


def test_a_rendered_training_is_that_of_the_rendered_texts(
    make_plan: Callable[..., TrainingPlan],
    examples: dict[str, list[tuple[str, str]]],
    train_here: Callable[[Path], TrainingResult],
    tmp_path: Path,
) -> None:
    """The same weights to the last bit as without a rendering on texts that were rendered before."""
    events = {
        split: [(f"focus:{text.replace(' ', '_')}, scroll:page(9000ms)", label) for text, label in rows]
        for split, rows in examples.items()
    }
    words = {split: [(render(text, "form_events/1"), label) for text, label in rows] for split, rows in events.items()}
    folders = []
    for name, rendering, splits in (("a", "form_events/1", events), ("b", "", words)):
        plan = make_plan(*({"method": method, "rendering": rendering, "epochs": 1} for method in METHODS))
        result = train_here(prepare(tmp_path / name, plan, splits["train"], splits["calibration"]))
        assert [each.status for each in result.candidates] == ["trained", "trained"]
        folders.append([result.work / str(each.folder) for each in result.candidates])
    for rendered, plain in zip(*folders, strict=True):
        assert (validate_adapter(rendered).card.rendering, validate_adapter(plain).card.rendering) == (
            "form_events/1",
            None,
        )
        raw, read = ([text for text, _ in each["calibration"]] for each in (events, words))
        assert np.array_equal(load_predictor(rendered).logits(raw), load_predictor(plain).logits(read))
