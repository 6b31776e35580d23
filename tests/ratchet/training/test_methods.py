"""Every method that a trainer offers is trained for real on a tiny base, and its adapter answers the same wherever it is loaded."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet.bases import resolve_base
from ratchet.candidate import Candidate
from ratchet.errors import RatchetError
from ratchet.identity import digest_json
from ratchet.prediction import load_predictor
from ratchet.prompt import PromptPolicy, make_prompt
from ratchet.shared_base import SharedBases
from ratchet.spec import Label
from ratchet.tiny_causal import write_tiny_causal
from ratchet.training.outcome import TrainingResult, read_result
from ratchet.training.plan import TrainingPlan, prepare

Launch = Callable[..., "subprocess.CompletedProcess[str]"]
Examples = dict[str, list[tuple[str, str]]]
LABELS = ("card", "money", "rate")


@dataclass(frozen=True)
class Case:
    """A candidate, and what its adapter is called."""

    settings: dict[str, Any]
    form: str
    learns: float = 0.95
    """The last epoch's loss as a share of the first one's, at most."""
    layers: int = 14

    @property
    def name(self) -> str:
        """As pytest shows it."""
        return "-".join(str(value) for value in self.settings.values())


CAUSAL = [
    Case({"method": "lora", "trainer": "sft"}, "lora"),
]


@pytest.fixture(scope="module")
def causal_base(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """A tiny random Llama that knows the words of the examples and of their prompt."""
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
    texts = [text for rows in examples.values() for text, _ in rows]
    return write_tiny_causal(tmp_path_factory.mktemp("llama"), [*texts, prompt.render("")])


def make_causal_plan(base_folder: Path, examples: Examples, *settings: dict[str, Any]) -> TrainingPlan:
    """A plan of causal candidates on a tiny base."""
    base, prompt = resolve_base(str(base_folder)), make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
    usual = {"rank": 4, "alpha": 8, "epochs": 4, "patience": 4, "batch": 8, "learning_rate": 2e-2, "max_tokens": 32}
    candidates = tuple(Candidate(family="causal", base=base.name, **{**usual, **given}) for given in settings)
    return TrainingPlan(LABELS, candidates, {base.name: base.revision}, digest_json(examples), "test", prompt)


def train(root: Path, plan: TrainingPlan, examples: Examples, launch: Launch) -> TrainingResult:
    """Train a plan as the product does; its result."""
    work = prepare(root, plan, examples["train"], examples["calibration"])
    done = launch(work)
    assert done.returncode == 0, done.stderr
    return read_result(work)


@pytest.fixture(scope="module")
def trained_causal(
    causal_base: Path, examples: Examples, launch: Launch, tmp_path_factory: pytest.TempPathFactory
) -> TrainingResult:
    """Every causal case, trained one after the other by one process."""
    plan = make_causal_plan(causal_base, examples, *(case.settings for case in CAUSAL))
    return train(tmp_path_factory.mktemp("work"), plan, examples, launch)


@pytest.mark.parametrize("index", range(len(CAUSAL)), ids=[case.name for case in CAUSAL])
def test_every_causal_method_learns_and_answers_the_same_alone_and_shared(
    trained_causal: TrainingResult, examples: Examples, index: int
) -> None:
    """The loss falls, the form is written down, and the model of its own says what the shared one says."""
    case, found = CAUSAL[index], trained_causal.candidates[index]
    assert found.status == "trained", found.reason
    assert found.epochs[-1].train_loss < case.learns * found.epochs[0].train_loss
    assert found.matched_layers == case.layers
    folder = trained_causal.work / found.folder
    assert json.loads((folder / "ratchet.json").read_bytes())["method"] == case.form
    texts = [text for text, _ in examples["calibration"]]
    alone, shared = load_predictor(folder), SharedBases().load(folder)
    assert np.allclose(shared.logits(texts), alone.logits(texts), atol=1e-4)


def test_a_training_by_sft_that_was_killed_comes_out_the_same(
    causal_base: Path, examples: Examples, launch: Launch, tmp_path: Path, trained_causal: TrainingResult
) -> None:
    """Killed after its first epochs it starts anew, and ends with the very weights of the one that was never disturbed."""
    first = CAUSAL[0].settings
    plan = make_causal_plan(causal_base, examples, first)
    work = prepare(tmp_path, plan, examples["train"], examples["calibration"])
    killed = launch(work, RATCHET_FAILPOINT="training.after_epoch:kill")
    assert killed.returncode != 0
    done = launch(work)
    assert done.returncode == 0, done.stderr
    assert read_result(work).best_candidate.weights_digest == trained_causal.candidates[0].weights_digest


@pytest.mark.parametrize(
    ("settings", "said", "cure"),
    [
        ({"family": "encoder", "trainer": "sft"}, "trains causal models only", 'family = "causal"'),
        ({"family": "causal", "method": "probe"}, "needs embeddings", 'method = "lora"'),
    ],
)
def test_what_does_not_fit_together_is_refused_with_the_cure(settings: dict[str, Any], said: str, cure: str) -> None:
    """A combination that nobody can train is named before anything is read."""
    with pytest.raises(RatchetError, match=said) as refused:
        Candidate(**settings)
    assert cure in refused.value.hint
