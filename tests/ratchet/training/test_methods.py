"""Every method that a trainer offers is trained for real on a tiny base, and its adapter answers the same wherever it
is loaded."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.training.batching import split_by_tokens
from ratchet.training.native.causal_model import build_causal_model
from ratchet.training.native.model_setup import build_encoder_model
from ratchet.training.native.trainable_model import TrainableModel
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import TrainingResult, read_result
from ratchet.training.trl.sft import prompt_completions

pytestmark = pytest.mark.slow

Launch = Callable[..., "subprocess.CompletedProcess[str]"]
Examples = dict[str, list[tuple[str, str]]]
LABELS = ("card", "money", "rate")


@dataclass(frozen=True)
class Case:
    """A candidate, and what its adapter is called."""

    settings: dict[str, Any]
    form: str
    layers: int = 14
    learns: float = 0.95
    """The last epoch's loss as a share of the first one's, at most."""

    @property
    def name(self) -> str:
        """As pytest shows it."""
        return "-".join(str(value) for value in self.settings.values())


CAUSAL = [
    Case({"method": "lora", "trainer": "sft", "dropout": 0.1}, "lora"),
    Case({"method": "dora", "trainer": "sft", "accumulate": 2, "checkpointing": True}, "dora"),
    Case({"method": "qlora", "trainer": "sft", "target_modules": ("q_proj", "v_proj")}, "lora", 4),
    Case({"method": "full", "trainer": "sft", "learning_rate": 5e-3}, "full", 0),
    Case({"method": "dora", "accumulate": 3, "checkpointing": True}, "dora", learns=0.99),
    Case({"method": "qlora"}, "lora", learns=0.99),
    Case({"method": "full", "learning_rate": 5e-3}, "full", 0),
]
ENCODER = [
    Case({"method": "dora"}, "dora", 13),
    Case({"method": "full", "checkpointing": True}, "full", 0),
]


@pytest.fixture(scope="module")
def causal_base(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """A tiny random Llama that knows the words of the examples and of their prompt."""
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
    texts = [text for rows in examples.values() for text, _ in rows]
    return write_tiny_causal(
        tmp_path_factory.mktemp("llama"), [*texts, prompt.render("")], width=64
    )  # four bits come in blocks of 64


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


@pytest.mark.supports(
    family="causal", method=("dora", "qlora", "full"), runtime=("training", "ratchet"), export="adapter"
)
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
    weights = validate_adapter(folder).tensors
    ups = [float(value.abs().max()) for name, value in weights.items() if name.endswith(".lora_B.weight")]
    assert len(ups) == case.layers
    assert any(not torch.equal(value, value.bfloat16().float()) for value in weights.values()), (
        "it was learned in short numbers"
    )
    assert min(ups, default=1.0) > 0, "a layer that no gradient reached stays at zero"
    texts = [text for text, _ in examples["calibration"]]
    alone, shared = load_predictor(folder), ModelPool().load(folder)
    assert np.allclose(shared.logits(texts), alone.logits(texts), atol=1e-4)


@pytest.fixture(scope="module")
def trained_encoder(
    make_plan: Callable[..., TrainingPlan],
    examples: Examples,
    train_here: Callable[[Path], TrainingResult],
    tmp_path_factory: pytest.TempPathFactory,
) -> TrainingResult:
    """Every encoder case, trained one after the other."""
    plan = make_plan(*(case.settings for case in ENCODER))
    return train_here(prepare(tmp_path_factory.mktemp("work"), plan, examples["train"], examples["calibration"]))


@pytest.mark.supports(family="encoder", method=("dora", "full"), runtime=("training", "ratchet"), export="adapter")
@pytest.mark.parametrize("index", range(len(ENCODER)), ids=[case.name for case in ENCODER])
def test_every_encoder_method_learns_and_answers_the_same_alone_and_shared(
    trained_encoder: TrainingResult, examples: Examples, index: int
) -> None:
    """As with causal models; heads are trained whole by every method."""
    case, found = ENCODER[index], trained_encoder.candidates[index]
    assert found.status == "trained", found.reason
    assert found.epochs[-1].train_loss < found.epochs[0].train_loss
    assert found.matched_layers == case.layers
    assert (found.trainable_share == 1) == (case.form == "full")
    folder = trained_encoder.work / found.folder
    assert validate_adapter(folder).card.method == case.form
    texts = [text for text, _ in examples["calibration"]]
    assert np.allclose(ModelPool().load(folder).logits(texts), load_predictor(folder).logits(texts), atol=1e-4)


@pytest.mark.supports(family="causal", method=("dora", "qlora"), runtime="peft", export="adapter")
def test_peft_alone_loads_what_dora_and_qlora_leave(
    trained_causal: TrainingResult, causal_base: Path, examples: Examples, tmp_path: Path
) -> None:
    """A process without Ratchet, on the base as it is: the logits of the label tokens that we give."""
    folders = [
        trained_causal.work / found.folder
        for case, found in zip(CAUSAL, trained_causal.candidates, strict=True)
        if case.settings["method"] in ("dora", "qlora")
    ]
    text = examples["calibration"][0][0]
    predictor = load_predictor(folders[0])
    tokenizer = predictor.tokenizer
    ids = [*tokenizer.prefix, *tokenizer.encode_batch_fast([text])[0].ids]  # type: ignore[attr-defined]
    script = (
        "import json, sys; sys.modules['bitsandbytes'] = None\nimport torch; from peft import PeftModel; from"
        " transformers import AutoModelForCausalLM\nbase, folders, ids, codes = json.loads(sys.argv[1])\nfor folder in"
        " folders:\n    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base,"
        " dtype=torch.float32), folder).eval()\n    print(json.dumps(model(input_ids=torch.tensor([ids])).logits[0, -1,"
        " codes].tolist()))"
    )
    given = json.dumps([str(causal_base), list(map(str, folders)), ids, list(tokenizer.codes)])  # type: ignore[attr-defined]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, given], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    found = [json.loads(line) for line in done.stdout.splitlines()[-len(folders) :]]
    assert len(folders) == 4
    for folder, said in zip(folders, found, strict=True):
        assert np.allclose(said, load_predictor(folder).logits([text])[0], atol=1e-4)


@pytest.mark.parametrize("settings", [{}, {"dropout": 0.2}, {"method": "full"}], ids=["joined", "dropout", "full"])
def test_computing_again_changes_no_gradient(tiny_base: Path, examples: Examples, settings: dict[str, Any]) -> None:
    """With checkpointing the same noise is drawn twice: bit by bit the gradients without it."""
    candidate = Candidate(base=str(tiny_base), rank=2, learning_rate=5e-3, **settings)
    found = [
        gradients_of(build_encoder_model(tiny_base, "tiny", replace(candidate, checkpointing=again), 3))
        for again in (False, True)
    ]
    assert torch.equal(found[0], found[1])
    assert float(found[0].abs().sum()) > 0


def gradients_of(trainee: TrainableModel) -> torch.Tensor:
    """Those of one batch, in training mode."""
    trainee.begin_epoch(0, 1, 0)
    ids = torch.arange(5, 26).view(3, 7)
    return trainee.gradients(ids, torch.ones_like(ids), torch.tensor([0, 1, 2]), torch.ones(3))


def test_checkpointing_of_a_causal_model_gives_the_same_sum(causal_base: Path) -> None:
    """Without a cache the shared part of the prompt goes with every row: other orders of addition, the same
    gradients."""
    plan_prompt = make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
    tokenizer = load_prompt_tokenizer(causal_base, plan_prompt, 32)
    candidate = Candidate(family="causal", base=str(causal_base), rank=2)
    found = [
        gradients_of(
            build_causal_model(causal_base, "tiny", replace(candidate, checkpointing=again), tokenizer, torch.float32)
        )
        for again in (False, True)
    ]
    assert torch.allclose(found[0], found[1], atol=1e-5)
    assert float(found[0][:-1].abs().sum()) > 0


def test_a_batch_in_parts_is_the_same_batch() -> None:
    """`accumulate` cuts, and leaves nothing out."""
    lengths = [4] * 10
    whole = list(split_by_tokens(range(10), lengths, 1000))
    parts = list(split_by_tokens(range(10), lengths, 1000, 4))
    assert whole == [list(range(10))]
    assert [len(part) for part in parts] == [4, 4, 2]
    assert [row for part in parts for row in part] == whole[0]


def test_sft_learns_from_the_tokens_that_are_served(causal_base: Path) -> None:
    """Prompt and completion: what stands before the answer is what the predictor sees, and only the code's token is
    learned."""
    tokenizer = load_prompt_tokenizer(causal_base, make_prompt(PromptPolicy(), [Label(name) for name in LABELS]), 32)
    (row,) = prompt_completions(tokenizer, ["my card never arrived"], [2])
    served = [*tokenizer.prefix, *tokenizer.encode_batch_fast(["my card never arrived"])[0].ids]
    assert row["input_ids"] == [*served, tokenizer.codes[2]]
    assert row["completion_mask"] == [0] * len(served) + [1]


def test_one_step_by_sft_learns(causal_base: Path, examples: Examples, launch: Launch, tmp_path: Path) -> None:
    """Every example in one batch: the only step has a rate above zero."""
    plan = make_causal_plan(causal_base, examples, {"method": "qlora", "trainer": "sft", "epochs": 1, "batch": 32})
    found = train(tmp_path, plan, examples, launch)
    weights = validate_adapter(found.work / found.best_candidate.folder).tensors
    assert min(float(value.abs().max()) for name, value in weights.items() if name.endswith(".lora_B.weight")) > 1e-2


def test_a_wrong_target_is_refused_by_every_trainer(
    causal_base: Path, examples: Examples, launch: Launch, tmp_path: Path
) -> None:
    """A name that matches no layer trains nothing: each candidate says so, and the plan fails with all their
    sentences."""
    wrong = {"target_modules": ("query",), "epochs": 1}
    methods = [{"trainer": "sft"}, {"method": "dora"}, {"method": "qlora"}, {"method": "qlora", "trainer": "sft"}]
    plan = make_causal_plan(causal_base, examples, *({**wrong, **method} for method in methods))
    done = launch(prepare(tmp_path, plan, examples["train"], examples["calibration"]))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].count("target module 'query' matches no linear layer of the base model") == len(
        methods
    )


@pytest.mark.parametrize("index", [0, pytest.param(3, marks=pytest.mark.faults)], ids=[CAUSAL[0].name, CAUSAL[3].name])
def test_a_training_by_sft_that_was_killed_goes_on_and_comes_out_the_same(
    causal_base: Path,
    examples: Examples,
    launch: Launch,
    kill_at: Callable[..., int],
    tmp_path: Path,
    trained_causal: TrainingResult,
    index: int,
) -> None:
    """Killed after its first epoch it trains the other three, and ends with the very weights of the one that was not
    disturbed."""
    plan = make_causal_plan(causal_base, examples, CAUSAL[index].settings)
    work = prepare(tmp_path, plan, examples["train"], examples["calibration"])
    assert kill_at(work, "training.after_watched_epoch", 1) == 1
    left = [path.name for path in work.rglob("*") if path.is_file() and path.parent.name == "epoch-1"]
    assert sorted(left) == ["manifest.json", "state.json", "tensors.safetensors"]
    done = launch(work)
    assert done.returncode == 0, done.stderr
    assert "epoch 1:" not in done.stderr
    found, whole = read_result(work).best_candidate, trained_causal.candidates[index]
    assert (found.resumed_from_epoch, len(found.epochs)) == (1, 4)
    assert [epoch.train_loss for epoch in found.epochs] == [epoch.train_loss for epoch in whole.epochs]
    assert found.weights_digest == whole.weights_digest
    assert not (work / "candidate-0" / "checkpoints").exists()


@pytest.mark.supports(
    family="encoder", method="qlora", runtime="training", export="adapter", refused="is for causal models"
)
@pytest.mark.parametrize(
    ("settings", "said", "cure"),
    [
        ({"family": "encoder", "trainer": "sft"}, "trains causal models only", 'family = "causal"'),
        ({"family": "causal", "method": "probe"}, "needs an encoder", 'method = "lora"'),
        ({"family": "encoder", "method": "qlora"}, "is for causal models", 'method = "lora"'),
        ({"method": "full", "target_modules": ("query",)}, "trains every weight", "Remove target_modules"),
        ({"method": "full", "layers": "top:1"}, "trains every layer", "Remove layers"),
        ({"method": "full", "dropout": 0.1}, "no adapter whose input", "Remove dropout"),
        ({"method": "probe", "checkpointing": True}, "have no effect with method", "Remove them"),
        ({"layers": "top:1", "checkpointing": True}, "contradict each other", "Remove one"),
        ({"accumulate": 0}, "accumulate = 0 is too small", "to 1 or more"),
    ],
)
def test_what_does_not_fit_together_is_refused_with_the_cure(settings: dict[str, Any], said: str, cure: str) -> None:
    """A combination that nobody can train is named before anything is read."""
    with pytest.raises(RatchetError, match=said) as refused:
        Candidate(**settings)
    assert cure in refused.value.hint
