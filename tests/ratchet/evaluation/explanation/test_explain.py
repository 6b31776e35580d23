"""What is explained is what is served, for every form of adapter of both families; and the figures add up."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.evaluation.explanation.explain import explain_text
from ratchet.evaluation.explanation.integrated_gradients import DELTA
from ratchet.metrics.calibration import Calibration
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import Predictor, load_predictor
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import TrainingResult

pytestmark = pytest.mark.slow

TrainHere = Callable[[Path], TrainingResult]
Examples = dict[str, list[tuple[str, str]]]
TEXT = "my lost card never arrived in the post"
SHARP = Calibration("temperature", 0.5, accepted=True, reason="made up")


@pytest.fixture(scope="module")
def causal_folders(
    tmp_path_factory: pytest.TempPathFactory, examples: Examples, train_here: TrainHere
) -> dict[str, Path]:
    """Adapters of a tiny Llama that was trained for some epochs, by method."""
    root = tmp_path_factory.mktemp("llama")
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in ("card", "money", "rate")])
    texts = [text for rows in examples.values() for text, _ in rows]
    base = resolve_base(str(write_tiny_causal(root / "base", [*texts, prompt.render("")])))
    lora = Candidate(
        family="causal", base=base.name, rank=4, alpha=8, epochs=3, batch=8, learning_rate=2e-2, max_tokens=32
    )
    every = (lora, replace(lora, method="dora"), replace(lora, method="full", learning_rate=5e-3))
    plan = TrainingPlan(
        ("card", "money", "rate"), every, {base.name: base.revision}, digest_json(examples), "test", prompt
    )
    return adapters_of(prepare(root / "work", plan, examples["train"], examples["calibration"]), train_here)


@pytest.fixture(scope="module")
def causal(causal_folders: dict[str, Path]) -> Path:
    """The one by LoRA."""
    return causal_folders["lora"]


@pytest.fixture(scope="module")
def encoder_folders(
    tmp_path_factory: pytest.TempPathFactory,
    make_plan: Callable[..., TrainingPlan],
    examples: Examples,
    train_here: TrainHere,
) -> dict[str, Path]:
    """Adapters of a tiny encoder whose LoRA and probe others share, by DoRA and of every weight."""
    plan = make_plan({"method": "dora"}, {"method": "full"})
    return adapters_of(
        prepare(tmp_path_factory.mktemp("encoder"), plan, examples["train"], examples["calibration"]), train_here
    )


def adapters_of(work: Path, train_here: TrainHere) -> dict[str, Path]:
    """Train a plan; the folder of each method's adapter."""
    return {found.method: work / found.folder for found in train_here(work).candidates}


@pytest.fixture(params=["lora", "probe", "dora", "full", "causal lora", "causal dora", "causal full"])
def predictor(request: pytest.FixtureRequest, trained: Path) -> Predictor:
    """A predictor of each kind, with a temperature that matters."""
    shared = {"lora": trained / "candidate-0" / "adapter", "probe": trained / "candidate-1" / "adapter"}
    family, _, method = request.param.rpartition(" ")
    folder = shared.get(request.param) or request.getfixturevalue(f"{family or 'encoder'}_folders")[method]
    return replace(load_predictor(folder), calibration=SHARP)


def test_the_explained_probability_is_what_predict_says(predictor: Predictor) -> None:
    """For the answer and for any other label; and attributions add up to what the words changed."""
    served = predictor.predict([TEXT])
    for label in (None, *predictor.labels):
        found = explain_text(predictor, TEXT, label)
        wanted = served.probabilities[0, predictor.labels.index(label or served.labels[0])]
        assert found.probability == pytest.approx(wanted, abs=1e-9)
        assert math.exp(found.log_probability) == pytest.approx(wanted, rel=1e-4)
        assert (found.label, found.answer) == (label or served.labels[0], served.labels[0])
        assert found.converged
        total = sum(word.attribution for word in found.words if word.attribution is not None)
        assert total == pytest.approx(found.log_probability - found.baseline, abs=DELTA)
        assert [word.text for word in found.words] == TEXT.split()


def test_the_baseline_is_the_text_with_every_word_padded(predictor: Predictor) -> None:
    """Special tokens and the prompt stay: asked for, that row gives the baseline's log-probability."""
    found = explain_text(predictor, TEXT, "money")
    encoding = getattr(predictor.tokenizer, "plain", predictor.tokenizer).encode(TEXT)
    special = encoding.special_tokens_mask
    ids = [token if kept else predictor.pad_id for token, kept in zip(encoding.ids, special, strict=True)]
    if hasattr(predictor.tokenizer, "suffix"):
        inner = [token for token, kept in zip(ids, special, strict=True) if not kept]
        ids = [*inner, *predictor.tokenizer.suffix]
    with torch.no_grad():
        logits = (
            predictor.rows(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.int64)).double().numpy()[0] / 0.5
        )
    assert found.baseline == pytest.approx(logits[1] - np.logaddexp.reduce(logits), abs=1e-4)


def test_the_word_that_decides_weighs_most(trained: Path) -> None:
    """The encoder learned `card` from texts that differ in it: taking the word away costs what it is said to add."""
    predictor = load_predictor(trained / "candidate-1" / "adapter")
    found = explain_text(predictor, TEXT, "card")
    best = max(found.words, key=lambda word: word.attribution or 0.0)
    rest = TEXT.replace(best.text, "unheard")
    column = predictor.labels.index("card")
    assert predictor.predict([rest]).probabilities[0, column] < found.probability


def test_steps_are_raised_and_too_few_are_said_plainly(causal: Path) -> None:
    """A figure that did not converge is no figure to trust: the sentence says so. More steps mend it."""
    predictor = replace(load_predictor(causal), calibration=SHARP)
    rough = explain_text(predictor, TEXT, "money", steps=(1,))
    assert (rough.steps, rough.converged) == (1, False)
    assert "still miss that by" in rough.sentence
    fine = explain_text(predictor, TEXT, "money", steps=(1, 512, 4096))
    assert (fine.steps, fine.converged) == (512, True)
    assert "add up to that within" in fine.sentence


def test_personal_data_and_the_middle_of_a_long_text_are_not_read(trained: Path) -> None:
    """The text is shown as the model reads it; words between both ends have no attribution, and they are counted."""
    predictor = load_predictor(trained / "candidate-0" / "adapter")
    found = explain_text(predictor, " my card, jo@example.com " + "money back please " * 20)
    assert found.text.startswith("my card, [EMAIL] money")
    read = [word.attribution is not None for word in found.words]
    first, last = read.index(False), len(read) - 1 - read[::-1].index(False)
    assert (first > 5, last < len(read) - 5, any(read[first : last + 1])) == (True, True, False)
    assert "words were not read" in found.sentence


def test_what_cannot_be_explained_is_refused(predictor: Predictor) -> None:
    """An unknown label with the nearest one, and a text without a token."""
    with pytest.raises(RatchetError, match="no label 'carb'") as told:
        explain_text(predictor, TEXT, "carb")
    assert "card" in told.value.hint
    with pytest.raises(RatchetError, match="reads no token"):
        explain_text(predictor, "  ")


def test_a_model_that_is_not_the_served_one_is_noticed(trained: Path) -> None:
    """The check can fail: rows that change between two calls are no faithful explanation."""
    predictor = load_predictor(trained / "candidate-0" / "adapter")
    calls = []

    def drifting(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        calls.append(len(ids))
        return predictor.rows(ids, mask) * (1 + len(calls))

    with pytest.raises(RatchetError, match="is not the served one"):
        explain_text(replace(predictor, rows=drifting), TEXT, "card", steps=(4,))


def test_a_text_that_is_read_in_a_rendering_is_explained_as_it_is_read(tiny_base: Path, tmp_path: Path) -> None:
    """Its words are those of the rendering, and the served answer is the one explained."""
    base = resolve_base(str(tiny_base))
    predictor = load_predictor(write_tiny_adapter(tmp_path / "a", base, ("card", "rate"), rendering="form_events/1"))
    text = "focus:my_card, blur:my_card(money_back), exit"
    found = explain_text(predictor, text)
    assert found.text == "enter my card, fails money back, exit"
    assert "".join(word.text for word in found.words).replace(" ", "") == found.text.replace(" ", "")
    assert dict(found.probabilities)[predictor.predict([text]).labels[0]] == max(dict(found.probabilities).values())
