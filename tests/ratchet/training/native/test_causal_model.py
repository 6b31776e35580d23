"""A causal candidate learns, and its adapter answers the same wherever it is loaded."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import Prompt, PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.models.tokenization import CHAT_TEMPLATE, tokenizer_digest
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import CAUSAL_FAMILIES, write_tiny_causal
from ratchet.training.native.causal_model import build_causal_model
from ratchet.training.plan import TrainingPlan, pin_templates, prepare
from ratchet.training.result import TrainingResult, read_result
from ratchet.training.task import open_task

pytestmark = pytest.mark.slow

Launch = Callable[..., "subprocess.CompletedProcess[str]"]
Train = Callable[[Path], TrainingResult]
Examples = dict[str, list[tuple[str, str]]]
LABELS = ("card", "money", "rate")


def prepare_causal(root: Path, examples: Examples, family: str, chat: bool = False) -> Path:
    """A work folder with one causal candidate on a tiny base of `family`."""
    prompt = make_prompt(PromptPolicy(chat=chat), [Label(name) for name in LABELS])
    texts = [text for rows in examples.values() for text, _ in rows]
    base = resolve_base(str(write_tiny_causal(root / "base", [*texts, prompt.render("")], family, chat=chat)))
    candidate = Candidate(
        family="causal",
        base=base.name,
        rank=4,
        alpha=8,
        epochs=6,
        patience=6,
        batch=8,
        learning_rate=2e-2,
        max_tokens=32,
    )
    plan = TrainingPlan(LABELS, (candidate,), {base.name: base.revision}, digest_json(examples), "test", prompt)
    return prepare(root / "work", plan, examples["train"], examples["calibration"])


@pytest.fixture(scope="module")
def trained_llama(tmp_path_factory: pytest.TempPathFactory, examples: Examples, train_here: Train) -> Path:
    """A finished training of a tiny Llama."""
    work = prepare_causal(tmp_path_factory.mktemp("llama"), examples, "llama")
    train_here(work)
    return work


@pytest.mark.supports(family="causal", method="lora", runtime="training", export="adapter")
def test_it_learns_and_is_reported(trained_llama: Path) -> None:
    """The loss falls, the epoch is chosen, and the layers that learn are named and counted."""
    best = read_result(trained_llama).best_candidate
    assert best.epochs[-1].train_loss < 0.8 * best.epochs[0].train_loss
    assert (best.family, best.matched_layers) == ("causal", 14)
    assert best.target_modules == ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")
    assert 0 < best.trainable_share < 0.5


@pytest.mark.supports(family="causal", method="lora", runtime="ratchet", export="adapter")
def test_alone_and_beside_others_it_says_the_same(trained_llama: Path, examples: Examples) -> None:
    """Merged into weights of its own, and unmerged on shared ones: the same logits, also in one batch of two
    adapters."""
    folder = read_result(trained_llama).best_folder
    texts = [text for text, _ in examples["calibration"]]
    alone = load_predictor(folder).logits(texts)
    bases = ModelPool()
    first, second = bases.load(folder), bases.load(folder)
    assert first.model is second.model
    assert np.allclose(first.logits(texts), alone, atol=1e-4)
    answers, _ = first.model.answer([(first, texts), (second, texts[:2])])
    assert [len(found.labels) for found in answers] == [len(texts), 2]
    assert np.allclose(answers[0].probabilities, load_predictor(folder).predict(texts).probabilities, atol=1e-5)
    del first, second
    assert len(bases) == 0


@pytest.mark.supports(family="causal", method="lora", runtime="peft", export="adapter")
def test_peft_alone_loads_it(trained_llama: Path, examples: Examples, tmp_path: Path) -> None:
    """A process without Ratchet: PEFT on the plain model gives the logits of the label tokens that we give."""
    folder = read_result(trained_llama).best_folder
    text = examples["calibration"][0][0]
    predictor = load_predictor(folder)
    tokenizer = predictor.tokenizer
    ids = [*tokenizer.prefix, *tokenizer.encode_batch_fast([text])[0].ids]  # type: ignore[attr-defined]
    script = (
        "import json, sys, torch; from peft import PeftModel; from transformers import AutoModelForCausalLM\nbase,"
        " folder, ids, codes = json.loads(sys.argv[1])\nmodel ="
        " PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32),"
        " folder).eval()\nprint(json.dumps(model(input_ids=torch.tensor([ids])).logits[0, -1, codes].tolist()))"
    )
    given = json.dumps([str(trained_llama.parent.parent / "base"), str(folder), ids, list(tokenizer.codes)])  # type: ignore[attr-defined]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, given], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert np.allclose(json.loads(done.stdout.splitlines()[-1]), predictor.logits([text])[0], atol=1e-4)


@pytest.mark.parametrize("family", [family for family in CAUSAL_FAMILIES if family != "llama"])
def test_every_family_trains(tmp_path: Path, examples: Examples, train_here: Train, family: str) -> None:
    """Target names differ from family to family, and each is found; the canary of each is recorded."""
    work = prepare_causal(tmp_path, examples, family)
    best = train_here(work).best_candidate
    assert best.status == "trained"
    assert min(epoch.train_loss for epoch in best.epochs) < best.epochs[0].train_loss


def test_a_prompt_that_leaves_no_room_for_the_text_is_refused(tmp_path: Path) -> None:
    """A base reads a number of tokens; beyond it, positions that nothing was ever learned at would answer."""
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
    base = resolve_base(str(write_tiny_causal(tmp_path, [prompt.render("")])))
    tokenizer = load_prompt_tokenizer(base.folder, prompt, 500)
    candidate = Candidate(family="causal", base=base.name, max_tokens=500)
    around = len(tokenizer.prefix) + len(tokenizer.suffix)
    with pytest.raises(
        RatchetError, match=f"reads 512 tokens; the prompt takes {around} of them and a text up to 500"
    ) as refused:
        build_causal_model(base.folder, base.name, candidate, tokenizer)
    assert f"Set max_tokens to {512 - around} or less" in refused.value.hint


def test_a_chat_template_stands_around_the_prompt(tmp_path: Path, examples: Examples, train_here: Train) -> None:
    """The model's own template, with the code as the assistant's first word."""
    work = prepare_causal(tmp_path, examples, "llama", chat=True)
    tokenizer = load_predictor(train_here(work).best_folder).tokenizer
    names = {index: word for word, index in tokenizer.plain.get_vocab().items()}  # type: ignore[attr-defined]
    assert [names[token] for token in tokenizer.prefix[:2]] == ["user", ":"]  # type: ignore[attr-defined]
    assert [names[token] for token in tokenizer.suffix[-3:]] == ["assistant", ":", "\n"]  # type: ignore[attr-defined]


def test_a_chat_template_that_changed_is_another_prompt(tmp_path: Path, examples: Examples) -> None:
    """A file beside the tokenizer would silently change every prompt: adapter, plan and task are bound to it."""
    prompt = make_prompt(PromptPolicy(chat=True), [Label(name) for name in LABELS])
    texts = [text for rows in examples.values() for text, _ in rows]
    folder = write_tiny_causal(tmp_path / "base", [*texts, prompt.render("")], chat=True)
    adapter = write_tiny_adapter(tmp_path / "made", resolve_base(str(folder)), LABELS, prompt=prompt)
    before = json.loads((adapter / "ratchet.json").read_bytes())
    plan = pinned_plan(folder, prompt)
    assert validate_adapter(adapter).card.tokenizer_digest == tokenizer_digest(folder, chat=True)
    assert not plan.templates  # it has none of its own, and the plan the digest that it had

    (folder / CHAT_TEMPLATE).write_text("{% for m in messages %}{{ m.content }}{% endfor %}answer:")
    with pytest.raises(RatchetError, match="tokenizer_digest") as told:
        validate_adapter(adapter)
    assert "tokenizer.json and chat template" in told.value.hint
    assert pinned_plan(folder, prompt).digest != plan.digest
    (adapter / "ratchet.json").write_text(json.dumps({**before, "tokenizer_digest": tokenizer_digest(folder)}))
    assert validate_adapter(adapter)  # one that was trained before the template was in its digest

    work = prepare(tmp_path / "work", pinned_plan(folder, prompt), examples["train"], examples["calibration"])
    assert open_task(work, 0).plan.templates
    (folder / CHAT_TEMPLATE).write_text("{% for m in messages %}{{ m.content }}{% endfor %}label:")
    with pytest.raises(RatchetError, match="chat template of base model"):
        open_task(work, 0)


def pinned_plan(folder: Path, prompt: Prompt) -> TrainingPlan:
    """A plan on the base as it is now."""
    base = resolve_base(str(folder))
    candidate, templates = Candidate(family="causal", base=base.name), pin_templates(prompt, [base])
    return TrainingPlan(LABELS, (candidate,), {base.name: base.revision}, "0", "test", prompt, templates=templates)


def test_a_plan_without_a_prompt_is_refused(tmp_path: Path) -> None:
    """A causal candidate learns to answer a prompt, so there must be one."""
    with pytest.raises(RatchetError, match="a causal candidate and no prompt"):
        TrainingPlan(("a", "b"), (Candidate(family="causal", base="./x"),), {"./x": "0"}, "0", "test")


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("ratchet.json", {"prompt": None}, "describes schema 1, 'causal'/'lora'"),
        ("ratchet.json", {"family": "encoder"}, "describes schema 1, 'encoder'/'lora'"),
        ("ratchet.json", {"family": "causal", "method": "probe"}, "'causal'/'probe'"),
        ("ratchet.json", {"prompt": {"before": "x"}}, "holds a prompt that cannot be used"),
        ("ratchet.json", {"labels": ["card", "money"], "canary": None}, "3 codes for 2 labels"),
        ("adapter_config.json", {"task_type": "SEQ_CLS"}, "no target module or no head"),
        ("adapter_config.json", {"modules_to_save": ["lm_head"]}, "a head that a causal model has already"),
        ("adapter_config.json", {"target_modules": ["lm_head"]}, "weights lack"),
        ("adapter_config.json", {"use_dora": True}, "and ratchet.json name different forms"),
        ("adapter_config.json", {"use_dora": 1}, "which no adapter of Ratchet does"),
        ("adapter_config.json", {"use_rslora": True}, "which no adapter of Ratchet does"),
        ("ratchet.json", {"method": "dora"}, "and ratchet.json name different forms"),
        ("ratchet.json", {"method": "full"}, "a full needs"),
    ],
)
def test_a_causal_adapter_that_is_not_as_it_was_written_is_refused(
    trained_llama: Path, tmp_path: Path, file: str, change: dict[str, object], said: str
) -> None:
    """Prompt, codes, family and settings belong together."""
    folder = Path(shutil.copytree(read_result(trained_llama).best_folder, tmp_path / "adapter"))
    content = {**json.loads((folder / file).read_bytes()), **change}
    (folder / file).write_text(
        json.dumps({key: value for key, value in content.items() if key != "canary" or value is not None})
    )
    with pytest.raises(RatchetError, match=re.escape(said)):
        load_predictor(folder)
