"""A preference pass goes on from the candidate's own LoRA, learns from errors on training examples, and leaves a plain
LoRA."""

import json
import math
import re
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.digests import digest_json
from ratchet.core.errors import RatchetError
from ratchet.metrics.calibration import softmax
from ratchet.metrics.classification import Floats
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.prompt_tokenizer import load_prompt_tokenizer
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.training.history import Epoch, History
from ratchet.training.plan import TrainingPlan, prepare, read_plan
from ratchet.training.result import TrainingResult, read_result, summarise
from ratchet.training.trl.dpo import FEWEST_PAIRS, Pair, as_rows, mine_pairs, pair_weights
from ratchet.training.trl.dpo_pass import join_histories
from ratchet.training.trl.weighted_sampler import WeightedSampler

pytestmark = pytest.mark.slow

Launch = Callable[..., "subprocess.CompletedProcess[str]"]
Examples = dict[str, list[tuple[str, str]]]
LABELS = ("card", "money", "rate")
FIRST = {"epochs": 2, "learning_rate": 4e-3}
PASS = {"method": "dpo", "pass_rate": 1e-2, "pass_epochs": 2, **FIRST}
CASES: tuple[dict[str, Any], ...] = (
    FIRST,
    PASS,
    PASS,
    {**PASS, "pass_rate": 1e-12},
    {**PASS, "epochs": 8, "patience": 8, "learning_rate": 8e-3},
    {**PASS, "learning_rate": 1e-12, "pass_epochs": 1, "batch": 32},
    {**PASS, "pass_rate": 0.3},
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, examples: Examples, launch: Launch) -> TrainingResult:
    """The first pass alone, the pass twice, one that stands still, one after a pass that knows everything, one of one
    step, one that goes much too far."""
    root = tmp_path_factory.mktemp("dpo")
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
    texts = [text for rows in examples.values() for text, _ in rows]
    base = resolve_base(str(write_tiny_causal(root / "base", [*texts, prompt.render("")])))
    usual = Candidate(family="causal", base=base.name, rank=4, alpha=8, batch=8, max_tokens=32)
    candidates = tuple(replace(usual, **case) for case in CASES)
    plan = TrainingPlan(LABELS, candidates, {base.name: base.revision}, digest_json(examples), "test", prompt)
    work = prepare(root / "work", plan, examples["train"], examples["calibration"])
    done = launch(work)
    assert done.returncode == 0, done.stderr
    return read_result(work)


def logits_of(made: TrainingResult, index: int, examples: Examples) -> Floats:
    """What candidate `index` answers to the training examples."""
    return load_predictor(made.work / f"candidate-{index}" / "adapter").logits([text for text, _ in examples["train"]])


@pytest.mark.supports(family="causal", method="dpo", runtime=("training", "ratchet"), export="adapter")
def test_it_prefers_the_right_codes_more_than_before(made: TrainingResult, examples: Examples) -> None:
    """On the mined pairs the right code gains on the rejected one."""
    targets = [LABELS.index(label) for _, label in examples["train"]]
    before, after = (logits_of(made, index, examples) for index in (0, 1))
    pairs = mine_pairs(before, targets)
    assert made.candidates[1].pairs == len(pairs) >= FEWEST_PAIRS
    margins = [np.mean([found[p.row, p.chosen] - found[p.row, p.rejected] for p in pairs]) for found in (before, after)]
    assert margins[1] > margins[0] + 0.05


def test_the_same_seed_gives_the_same_weights(made: TrainingResult) -> None:
    """Both passes are deterministic, to the bit."""
    assert made.candidates[1].weights_digest == made.candidates[2].weights_digest
    assert made.candidates[1].weights_digest != made.candidates[0].weights_digest


def test_it_begins_where_the_first_pass_ended(made: TrainingResult) -> None:
    """A pass that takes no step worth the name prefers nothing yet, and is the LoRA that `method = "lora"` leaves."""
    alone, passed = made.candidates[0], made.candidates[3]
    kept = next(epoch for epoch in alone.epochs if epoch.epoch == alone.selected_epoch)
    begun = passed.epochs[len(alone.epochs)]
    assert begun.train_loss == pytest.approx(math.log(2), abs=2e-3)  # of preferences: its reference is where it begins
    assert begun.nll == pytest.approx(kept.nll, abs=2e-3)
    first, still = (validate_adapter(made.work / f"candidate-{index}" / "adapter") for index in (0, 3))
    assert set(first.tensors) == set(still.tensors)
    for name, tensor in first.tensors.items():
        np.testing.assert_allclose(still.tensors[name].numpy(), tensor.numpy(), atol=1e-7)


def test_a_pass_of_one_step_learns(made: TrainingResult) -> None:
    """All pairs are one batch, and the first pass left next to nothing: what is there was learned in that step."""
    tensors = validate_adapter(made.work / "candidate-5" / "adapter").tensors
    ups = [float(value.abs().max()) for name, value in tensors.items() if name.endswith(".lora_B.weight")]
    assert min(ups) > 5e-3


def test_a_killed_pass_costs_neither_the_first_nor_itself(
    made: TrainingResult, examples: Examples, launch: Launch, kill_at: Callable[..., int], tmp_path: Path
) -> None:
    """Killed after the pass's first epoch, the next launch trains its second one alone, and leaves the same weights."""
    plan = read_plan(made.work)
    plan = replace(plan, candidates=plan.candidates[1:2])
    work = prepare(tmp_path, plan, examples["train"], examples["calibration"])
    assert kill_at(work, "training.after_watched_epoch", 3) == 1
    done = launch(work)
    assert done.returncode == 0, done.stderr
    assert re.findall(r"epoch (\d+):", done.stderr) == ["4"]
    found = read_result(work).best_candidate
    assert (found.resumed_from_epoch, len(found.epochs), found.pairs) == (3, 4, made.candidates[1].pairs)
    assert found.weights_digest == made.candidates[1].weights_digest


def test_it_leaves_a_plain_lora_and_says_how_it_went(made: TrainingResult) -> None:
    """The card names the form; the epochs of both passes follow each other; the pairs are counted."""
    found = made.candidates[1]
    card = json.loads((made.work / found.folder / "ratchet.json").read_bytes())
    assert (card["method"], found.method) == ("lora", "dpo")
    assert [epoch.epoch for epoch in found.epochs] == [1, 2, 3, 4]
    assert found.selected_epoch in (3, 4)
    assert found.epochs[2].train_loss <= 0.75  # of preferences: ln 2 where nothing is preferred yet
    assert f"on {found.pairs} pairs" in summarise(found)["status"]
    assert not (made.work / "candidate-1" / "dpo").exists()
    assert not (made.work / "candidate-1" / "checkpoints").exists()


def test_with_too_few_errors_the_first_pass_is_kept(made: TrainingResult) -> None:
    """It says how many there were; the candidate is what its LoRA alone is, and can win as such."""
    found = made.candidates[4]
    assert found.status == "trained"
    assert found.pairs < FEWEST_PAIRS
    assert "its first pass kept: wrong or unsure on" in summarise(found)["status"]
    assert (len(found.epochs), found.selected_epoch) == (8, 8)
    assert validate_adapter(made.work / found.folder).settings is not None


def test_a_pass_that_made_it_worse_is_not_kept(made: TrainingResult) -> None:
    """By the figure that candidates are chosen by; the weights are those of the LoRA alone, to the bit, and it says
    so."""
    alone, ruined = made.candidates[0], made.candidates[6]
    assert (ruined.served_nll, ruined.weights_digest) == (alone.served_nll, alone.weights_digest)
    assert (len(ruined.epochs), ruined.selected_epoch) == (4, alone.selected_epoch)
    assert ruined.first_kept.startswith(
        f"its first pass kept: calibrated NLL by class {alone.served_macro_nll:.4f}, with preferences "
    )
    kept = made.candidates[1]
    assert kept.first_kept == "" or kept.weights_digest == alone.weights_digest


def test_a_rare_class_weighs_as_much_as_a_frequent_one() -> None:
    """As it does in the first pass: by how often it occurs in training, and not among the errors."""
    targets = [0] * 8 + [1] * 2
    pairs = [Pair(0, 0, 1), Pair(1, 0, 1), Pair(8, 1, 0)]
    assert pair_weights(pairs, targets, 2) == pytest.approx([10 / 16, 10 / 16, 10 / 4])
    order = WeightedSampler([1.0, 1.0, 4.0], seed=3)
    epochs = [Counter(order) for _ in range(300)]
    assert {sum(epoch.values()) for epoch in epochs} == {len(order)}
    shares = [sum(epoch[index] for epoch in epochs) / 900 for index in range(3)]
    assert shares == pytest.approx([1 / 6, 1 / 6, 4 / 6], abs=0.03)
    assert list(WeightedSampler([1.0, 1.0, 4.0], seed=3)) == list(WeightedSampler([1.0, 1.0, 4.0], seed=3))


@pytest.mark.parametrize("n", [1, 8, 999])
def test_of_equal_weights_each_comes_once_in_an_epoch(n: int) -> None:
    """In another order in each."""
    order = WeightedSampler([0.3] * n, seed=1)
    first, second = list(order), list(order)
    assert sorted(first) == sorted(second) == list(range(n))
    assert n == 1 or first != second


def test_pairs_are_errors_and_narrow_answers() -> None:
    """Wrong: the answer is rejected. Right by little: its nearest rival. Right by much: no pair."""
    rows = [[2.0, 1.0, 0.0], [1.05, 1.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.1, 0.2]]
    logits, targets = np.array(rows * 4), [1, 0, 0, 2] * 4
    assert mine_pairs(logits, targets)[:3] == [Pair(0, 1, 0), Pair(1, 0, 1), Pair(3, 2, 1)]
    assert softmax(logits)[2, 0] > 0.9


def test_pairs_are_cut_into_tokens_as_they_are_served(tmp_path: Path, examples: Examples) -> None:
    """Prompt, chosen and rejected code: the very tokens of the predictor."""
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in LABELS])
    base = write_tiny_causal(tmp_path / "base", [*(text for text, _ in examples["train"]), prompt.render("")])
    tokenizer = load_prompt_tokenizer(base, prompt, 32)
    text = examples["train"][0][0]
    (row,) = as_rows(tokenizer, [text], [Pair(0, 2, 1)])
    assert row["prompt_ids"] == [*tokenizer.prefix, *tokenizer.encode_batch_fast([text])[0].ids]
    assert (row["chosen_ids"], row["rejected_ids"]) == ([tokenizer.codes[2]], [tokenizer.codes[1]])


def test_histories_follow_each_other() -> None:
    """The best epoch is the second pass's, whatever the first one's NLL in fast numbers was, or the first one's."""
    epoch = Epoch(1, 1.0, 0.5, 0.3, 0.1, 0.2, 1.0, 1.0)
    first = History((epoch, replace(epoch, epoch=2, nll=0.2)), 2, resumed_from=1)
    joined = join_histories(first, second := History((replace(epoch, nll=0.9),), 1, halved=True), better=True)
    assert [found.epoch for found in joined.epochs] == [1, 2, 3]
    assert (joined.best, joined.resumed_from, joined.halved) == (3, 1, True)
    assert join_histories(first, second, better=False).best == 2


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "dpo"}, "is for causal models only"),
        ({"method": "dpo", "family": "causal", "trainer": "sft"}, "trains no preference pass"),
        ({"method": "dpo", "family": "causal", "pass_epochs": 0}, "pass_epochs = 0 is too small"),
        ({"method": "dpo", "family": "causal", "beta": 0.0}, "beta = 0.0 is not above 0"),
        ({"family": "causal", "beta": 0.2}, 'only method = "dpo" has a preference pass'),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], said: str) -> None:
    """Each with its cure."""
    with pytest.raises(RatchetError, match=said):
        Candidate(**settings)


def test_candidates_of_before_keep_their_json() -> None:
    """Settings of the pass are in it only where they are set."""
    assert not {"beta", "pass_epochs", "pass_rate"} & set(Candidate(family="causal").as_json())
    assert Candidate(family="causal", method="dpo", beta=0.3).as_json()["beta"] == 0.3
    assert "r16" in Candidate(family="causal", method="dpo").title


def test_without_its_pass_it_is_a_lora() -> None:
    """What is trained for one step to try a target; the settings of a pass, which a LoRA refuses, go with it."""
    made = Candidate(family="causal", method="dpo", beta=0.3, pass_epochs=3, rank=4)
    assert made.alone() == Candidate(family="causal", rank=4)
    assert made.alone().alone() == made.alone()
