"""With `layers = "top:K"` the frozen lower layers are computed once, and nothing that is learned shows it."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label, Spec
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.deployment.adapter_facts import facts_of_artifact, facts_of_plan
from ratchet.models.adapters.folder import read_folder
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.layers import find_layers
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.models.tokenization import encode_texts
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.training.device import PROCESSES
from ratchet.training.history import ValidationMetrics
from ratchet.training.native import activation_caching as kept
from ratchet.training.native.activation_caching import cache_lower_layers
from ratchet.training.native.causal_model import build_causal_model
from ratchet.training.native.data_parallel import SingleProcess
from ratchet.training.native.loop import TrainingSet, train_epochs
from ratchet.training.native.model_setup import build_encoder_model
from ratchet.training.native.trainable_model import TrainableModel
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import read_result
from ratchet.training.supervision.memory_budget import FULL

pytestmark = pytest.mark.slow

Launch = Callable[..., "subprocess.CompletedProcess[str]"]
Examples = dict[str, list[tuple[str, str]]]
LABELS = ("card", "money", "rate")
PROMPT = make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
TINY = Candidate(base="./tiny", rank=2, alpha=4, epochs=2, batch=8, learning_rate=1e-2, max_tokens=32, layers="top:2")


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Callable[[str], Path]:
    """Tiny bases of four layers by family, each made once."""
    root, texts = tmp_path_factory.mktemp("bases"), [text for rows in examples.values() for text, _ in rows]

    def make(family: str) -> Path:
        if (root / family).is_dir():
            return root / family
        if family == "bert":
            return write_tiny_encoder(root / family, texts, layers=4)
        return write_tiny_causal(root / family, [*texts, PROMPT.render("")], family, layers=4)

    return make


def open_trainee(base: Path, candidate: Candidate, texts: Sequence[str]) -> tuple[TrainableModel, list[list[int]]]:
    """A fresh float32 model of the candidate, and the rows that it learns from."""
    if candidate.family == "causal":
        tokenizer = load_prompt_tokenizer(base, PROMPT, candidate.max_tokens)
        return build_causal_model(base, base.name, candidate, tokenizer, torch.float32), encode_texts(tokenizer, texts)
    from ratchet.models.tokenization import load_tokenizer

    return build_encoder_model(base, base.name, candidate, 3, torch.float32), encode_texts(
        load_tokenizer(base, 32), texts
    )


def train(
    base: Path, candidate: Candidate, examples: Examples, folder: Path, most: int, broken: bool = False
) -> torch.Tensor:
    """What a training with at most `most` bytes of kept states learns; `broken`: the lower layers say NaN once they are
    kept."""
    folder.mkdir()
    (folder / kept._FILE).write_bytes(b"\x7f" * 4000)  # what a training left that was killed
    trainee, rows = open_trainee(base, candidate, [text for text, _ in examples["train"]])
    told = cache_lower_layers(trainee, rows, folder, SingleProcess(), FULL, most)
    assert told.startswith("2 lower layers computed " + ("once" if most else "at each step: a cache needs"))
    assert not list(folder.iterdir())
    if broken:
        for layer in find_layers(trainee.model.base_model.model)[1][:2]:
            for value in layer.parameters():
                value.data.fill_(float("nan"))
    lesson = TrainingSet(candidate, rows, [LABELS.index(label) for _, label in examples["train"]], 3)
    train_epochs(
        trainee,
        lesson,
        folder,
        SingleProcess(),
        lambda tensors: ValidationMetrics(0.5, 0.5, 0.1, 0.2),
        lambda epoch: None,
    )
    return trainee.flat.detach().clone()


@pytest.mark.parametrize("family", ["bert", "llama", "gemma2", "gemma3"])
def test_kept_states_teach_the_same_as_computed_ones(
    bases: Callable[[str], Path], examples: Examples, tmp_path: Path, family: str
) -> None:
    """The same weights, with an encoder's own dropout above and LoRA dropout too, though the lower layers are not asked
    again."""
    dropout = 0.1 if family in ("bert", "gemma2") else 0.0
    candidate = replace(TINY, family="encoder" if family == "bert" else "causal", dropout=dropout)
    computed = train(bases(family), candidate, examples, tmp_path / "computed", 0)
    once = train(bases(family), candidate, examples, tmp_path / "once", 10**6, broken=True)
    again = train(bases(family), candidate, examples, tmp_path / "again", 10**6)
    begun = open_trainee(bases(family), candidate, ["card"])[0].flat
    assert torch.equal(once, again)
    assert torch.allclose(once, computed, atol=1e-5)
    assert float((computed - begun.detach()).abs().max()) > 1e-2


def test_only_states_of_known_rows_are_recalled(
    bases: Callable[[str], Path], examples: Examples, tmp_path: Path
) -> None:
    """Two rows in a batch, one of them strange: the batch goes through all layers, and the answer is the same as for
    each alone."""
    trainee, rows = open_trainee(
        bases("llama"), replace(TINY, family="causal"), ["card money", "money", "rate card money"]
    )
    cache_lower_layers(trainee, rows[:2], tmp_path, SingleProcess(), FULL)
    assert trainee.kept is not None
    known, strange = torch.tensor([rows[0]]), torch.tensor([rows[2]])
    assert trainee.kept.recall(known, torch.ones_like(known)) is not None
    assert trainee.kept.recall(strange, torch.ones_like(strange)) is None
    with torch.no_grad():
        mixed = torch.nn.functional.pad(known, (0, strange.shape[1] - known.shape[1])), strange
        mask = torch.stack([torch.arange(strange.shape[1]) < len(row) for row in (rows[0], rows[2])]).long()
        both = trainee.answer(torch.cat(mixed), mask)
        assert torch.allclose(both[:1], trainee.answer(known, torch.ones_like(known)), atol=1e-5)
        assert torch.allclose(both[1:], trainee.answer(strange, torch.ones_like(strange)), atol=1e-5)


def test_a_family_whose_upper_layers_look_further_down_is_refused(bases: Callable[[str], Path], tmp_path: Path) -> None:
    """Whatever else passes between layers would be lost, so it is looked for before anything is learned."""
    trainee, rows = open_trainee(bases("bert"), TINY, ["card money"])
    layers, seen = find_layers(trainee.model.base_model.model)[1], list[torch.Tensor]()
    for value in trainee.working:
        value.data.mul_(100)  # a random head hardly says anything
    layers[0].register_forward_hook(lambda module, inputs, output: seen.append(output[0, 0]))
    layers[3].register_forward_hook(lambda module, inputs, output: output + 10 * seen[-1])
    with pytest.raises(RatchetError, match="use more than the last hidden states of the lower ones"):
        cache_lower_layers(trainee, rows, tmp_path, SingleProcess(), FULL)


def prepare_top(root: Path, base: Path, examples: Examples) -> Path:
    """A work folder with one causal candidate that trains two of four layers."""
    named = resolve_base(str(base))
    candidate = replace(TINY, family="causal", base=named.name, target_modules=("q_proj", "down_proj"))
    plan = TrainingPlan(LABELS, (candidate,), {named.name: named.revision}, digest_json(examples), "test", PROMPT)
    return prepare(root, plan, examples["train"], examples["calibration"])


@pytest.fixture(scope="module")
def trained_top(
    tmp_path_factory: pytest.TempPathFactory, bases: Callable[[str], Path], examples: Examples, launch: Launch
) -> Path:
    """The finished training of such a candidate, by a pair of processes."""
    work = prepare_top(tmp_path_factory.mktemp("top"), bases("llama"), examples)
    done = launch(work, **{PROCESSES: "2"})
    assert done.returncode == 0, done.stderr
    assert "2 lower layers computed once, 0.0 MB cached" in done.stderr
    return work


def test_plain_peft_loads_what_was_trained_in_the_upper_layers(trained_top: Path, examples: Examples) -> None:
    """PEFT's own loader adapts exactly these layers and gives the logits of the label tokens that we give."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    best = read_result(trained_top).best_candidate
    assert (best.matched_layers, best.target_modules) == (4, ("down_proj", "q_proj"))
    folder, text = read_result(trained_top).best_folder, examples["calibration"][0][0]
    predictor = load_predictor(folder)
    settings = json.loads((folder / "adapter_config.json").read_bytes())
    plain = AutoModelForCausalLM.from_pretrained(settings["base_model_name_or_path"], dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers for a name that transformers renamed
        model = PeftModel.from_pretrained(plain, folder).eval()
    assert {name.split(".")[4] for name, _ in model.named_parameters() if ".lora_" in name} == {"2", "3"}
    tokenizer = predictor.tokenizer
    ids = [*tokenizer.prefix, *tokenizer.encode_batch_fast([text])[0].ids]  # type: ignore[attr-defined]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0, -1, list(tokenizer.codes)]  # type: ignore[attr-defined]
    assert np.allclose(logits.numpy(), predictor.logits([text])[0], atol=1e-4)


def test_a_plan_counts_only_the_layers_that_learn(trained_top: Path) -> None:
    """What is planned is what comes, but for the file's header."""
    result = read_result(trained_top)
    candidate = replace(TINY, family="causal", base=load_base_name(trained_top), target_modules=("q_proj", "down_proj"))
    spec = Spec("tickets", tuple(Label(name) for name in LABELS))
    planned, made = facts_of_plan(candidate, spec), facts_of_artifact(read_folder(result.best_folder))
    assert planned.target_modules == made.target_modules == ("down_proj", "q_proj")
    assert 0 < made.adapter_bytes - planned.adapter_bytes < 2000
    assert facts_of_plan(replace(candidate, layers="all"), spec).adapter_bytes == 2 * planned.adapter_bytes


def load_base_name(work: Path) -> str:
    """The base of the plan's candidate."""
    return str(json.loads((work / "plan.json").read_bytes())["candidates"][0]["base"])


@pytest.mark.usefixtures("pair")
@pytest.mark.faults
def test_a_killed_training_of_upper_layers_ends_as_if_it_had_not_been_killed(
    tmp_path: Path, trained_top: Path, bases: Callable[[str], Path], examples: Examples, launch: Launch
) -> None:
    """The kept states die with it and are computed anew: the same digest, and nothing left behind."""
    work = prepare_top(tmp_path, bases("llama"), examples)
    environment = {**os.environ, "RATCHET_FAILPOINT": "training.after_epoch:sleep:600000"}
    with subprocess.Popen(
        [sys.executable, "-m", "ratchet.training", str(work)], stderr=subprocess.PIPE, text=True, env=environment
    ) as training:
        assert training.stderr is not None
        assert any("epoch 1:" in line for line in training.stderr)
        family = psutil.Process(training.pid).children(recursive=True)
        training.kill()
        assert psutil.wait_procs(family, timeout=5)[1] == []
    assert not list(work.rglob(kept._FILE))
    assert launch(work).returncode == 0
    here, there = read_result(work).best_candidate, read_result(trained_top).best_candidate
    assert (here.resumed_from_epoch, here.weights_digest) == (1, there.weights_digest)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layers": "top:0"}, 'layers = "top:0" is not valid'),
        ({"layers": "top:2", "method": "probe"}, "trains no layer"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(settings: dict[str, str], said: str) -> None:
    """By the specification, before any base is read."""
    with pytest.raises(RatchetError, match=said):
        Candidate(**settings)  # type: ignore[arg-type]


def test_names_that_match_nothing_in_the_upper_layers_are_refused(bases: Callable[[str], Path]) -> None:
    """A layer that exists, but below."""
    one = "bert.encoder.layer.0.attention.self.query"
    with pytest.raises(RatchetError, match=r"matches no linear layer of the upper layers \(top:2\) \(has: dense, key"):
        build_encoder_model(bases("bert"), "tiny", replace(TINY, target_modules=(one,)), 3)


def test_a_candidate_of_before_keeps_its_document() -> None:
    """`all` is not written, so digests of before stay; any other choice is, and stands in the title."""
    assert "layers" not in replace(TINY, layers="all").as_json()
    assert (TINY.as_json()["layers"], TINY.title) == ("top:2", "encoder/lora r2 top:2 ./tiny")
