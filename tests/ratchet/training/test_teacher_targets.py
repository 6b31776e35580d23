"""A taught candidate learns what its teacher says of the training examples, and of nothing else."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from ratchet.config.candidate import Candidate
from ratchet.core.cycle import Cycle, parse_week
from ratchet.core.digests import digest_file, digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.names import DIGEST
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.token_batches import pad_batch
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.training.native.model_setup import build_encoder_model
from ratchet.training.plan import TEACHERS, TrainingPlan, prepare, read_plan
from ratchet.training.result import TrainingResult
from ratchet.training.task import open_task
from ratchet.training.teacher_targets import goals_of_answers
from ratchet.workflows.teacher_sources import digests_of, find_teachers

pytestmark = pytest.mark.slow

Launch = Callable[..., "subprocess.CompletedProcess[str]"]
Examples = dict[str, list[tuple[str, str]]]
CYCLE = Cycle("small", parse_week("2026-01-12"))
LABELS = ("card", "money", "rate")
NEXT = {"card": "money", "money": "rate", "rate": "card"}


def answer_next(text: str, label: str) -> dict[str, Any]:
    """A teacher that is sure of the label after the right one."""
    return {"text": text, "probabilities": {name: 0.98 if name == NEXT[label] else 0.01 for name in LABELS}}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, examples: Examples) -> tuple[Home, str]:
    """A home with files of answers and a sealed adapter for a teacher, and that adapter's digest."""
    found = Home(tmp_path_factory.mktemp("home"))
    folder = found.classifier("small") / "teachers"
    folder.mkdir(parents=True)
    rows = [answer_next(text, label) for text, label in examples["train"]]
    (folder / "next.jsonl").write_text("\n".join(map(json.dumps, rows)))
    held_out = [answer_next(text, NEXT[NEXT[label]]) for text, label in examples["calibration"]]
    pq.write_table(pa.Table.from_pylist([*held_out, *rows]), folder / "more.parquet")
    (folder / "few.jsonl").write_text("\n".join(map(json.dumps, rows[:9])))
    (folder / "labels.jsonl").write_text(json.dumps({"text": "x", "probabilities": {"yes": 1.0, "no": 0.0}}))
    adapter = write_tiny_adapter(found.root / "made", resolve_base(str(tiny_base)), ("rate", "card", "money"), seed=5)
    digest = AdapterStore(found).seal("small", adapter, {})
    Receipts(found).note(CYCLE, adapter=digest)
    return found, digest


@pytest.fixture(scope="module")
def taught(
    home: tuple[Home, str], tiny_base: Path, examples: Examples, train_here: Callable[[Path], TrainingResult]
) -> TrainingResult:
    """A teacher for each candidate: two that say the same of the training texts, an adapter, two that do not fit.

    The labels of the training examples are all wrong, those of the calibration split are the teacher's.
    """
    usual = {"rank": 4, "alpha": 8.0, "epochs": 12, "patience": 12, "batch": 8, "learning_rate": 1e-2, "max_tokens": 32}
    named = ("next.jsonl", "more.parquet", home[1], "few.jsonl", "labels.jsonl")
    candidates = tuple(Candidate(base=str(tiny_base), teacher=name, teacher_weight=1.0, **usual) for name in named)
    base, teachers = resolve_base(str(tiny_base)), find_teachers(home[0], CYCLE, candidates)
    plan = TrainingPlan(
        LABELS, candidates, {base.name: base.revision}, digest_json(examples), "test", teachers=digests_of(teachers)
    )
    calibration = [(text, NEXT[label]) for text, label in examples["calibration"]]
    return train_here(prepare(home[0].root / "work", plan, examples["train"], calibration, teachers))


def test_it_learns_what_the_teacher_says(taught: TrainingResult, examples: Examples) -> None:
    """Not the labels: this teacher contradicts every one of them, is believed with all its weight, and is right."""
    assert [found.status for found in taught.candidates] == ["trained", "trained", "trained", "failed", "failed"]
    answers = (
        load_predictor(taught.work / "candidate-0" / "adapter").predict([text for text, _ in examples["train"]]).labels
    )
    agreed = np.mean([answer == NEXT[label] for answer, (_, label) in zip(answers, examples["train"], strict=True)])
    assert agreed > 0.6  # of three labels; one that learned the labels would agree nowhere


def test_what_it_says_of_held_out_texts_is_not_looked_at(taught: TrainingResult) -> None:
    """Answers to calibration texts, in another order and form of file, change no bit of the weights."""
    first, second = taught.candidates[:2]
    assert first.weights_digest == second.weights_digest
    assert first.calibration == second.calibration


def test_an_adapter_teaches_too(taught: TrainingResult, home: tuple[Home, str], examples: Examples) -> None:
    """Its labels stand in another order; the student comes closer to it than a student of another teacher does."""
    texts = [text for text, _ in examples["train"]]
    teacher = load_predictor(AdapterStore(home[0]).open("small", home[1]))
    said = teacher.predict(texts).probabilities[:, [teacher.labels.index(label) for label in LABELS]]
    of_it, of_another = (
        load_predictor(taught.work / f"candidate-{n}" / "adapter").predict(texts).probabilities for n in (2, 0)
    )
    assert np.abs(of_it - said).mean() < 0.5 * np.abs(of_another - said).mean()


def test_a_teacher_that_does_not_fit_fails_its_candidate_alone(taught: TrainingResult) -> None:
    """Other texts, other labels: each with its sentence; the others were trained."""
    few, labels = taught.candidates[3:]
    assert "answers 9 of 30 training texts" in few.reason
    assert "labels.jsonl row 1 has other labels than the classifier: 'card'" in labels.reason


def test_without_its_goals_a_taught_candidate_is_not_trained(taught: TrainingResult) -> None:
    """A file that is gone or cut off: a sentence, not a training from labels alone."""
    task = open_task(taught.work, 1)
    goals = task.folder / "goals.safetensors"
    content = goals.read_bytes()
    assert goals_of_answers(task) is not None
    goals.write_bytes(content[:-1])
    with pytest.raises(RatchetError, match=r"the answers of teacher more\.parquet .* cannot be read"):
        goals_of_answers(task)
    goals.write_bytes(content)


def test_a_damaged_copy_of_a_teacher_is_laid_anew(
    taught: TrainingResult, home: tuple[Home, str], examples: Examples
) -> None:
    """When the cycle runs again: a file that was emptied, and one of an adapter's that is gone."""
    plan = read_plan(taught.work)
    answers, weights = (
        taught.work / TEACHERS / name for name in ("next.jsonl", f"{home[1]}/adapter_model.safetensors")
    )
    before = [digest_file(path) for path in (answers, weights)]
    answers.write_bytes(b"")
    weights.unlink()
    teachers = find_teachers(home[0], CYCLE, plan.candidates)
    calibration = [(text, NEXT[label]) for text, label in examples["calibration"]]
    assert prepare(taught.work.parent, plan, examples["train"], calibration, teachers) == taught.work
    assert [digest_file(path) for path in (answers, weights)] == before


def test_the_plan_names_what_the_teacher_says(make_plan: Callable[..., TrainingPlan]) -> None:
    """Another content under the same name is another plan; a plan without teachers is what it was."""
    plan = make_plan({"teacher": ""})
    assert "teachers" not in plan.as_json()
    with pytest.raises(RatchetError, match=r"pins no content of teacher next\.jsonl"):
        make_plan({"teacher": "next.jsonl"})
    with_one = replace(
        plan, candidates=(replace(plan.candidates[0], teacher="next.jsonl"),), teachers={"next.jsonl": "a" * 64}
    )
    assert with_one.digest != replace(with_one, teachers={"next.jsonl": "b" * 64}).digest
    assert TrainingPlan.from_json(json.loads(json.dumps(with_one.as_json()))) == with_one
    assert "taught by next.jsonl" in with_one.candidates[0].title


def test_goals_of_one_class_are_that_class(tiny_base: Path, examples: Examples) -> None:
    """The gradients of a class index and of all weight on it are the same, smoothing included; other goals give
    others."""
    trainee = build_encoder_model(
        tiny_base, "tiny", Candidate(base=str(tiny_base), rank=2, max_tokens=32), 3, torch.float32
    )
    trainee.model.eval()
    ids, mask = pad_batch([[2, 5, 6, 3], [2, 7, 3]], 0)
    targets, weights = torch.tensor([2, 0]), torch.tensor([0.7, 0.3])
    hard = trainee.gradients(ids, mask, targets, weights)
    soft = trainee.gradients(ids, mask, torch.nn.functional.one_hot(targets, 3).float(), weights)
    torch.testing.assert_close(soft, hard)
    other = trainee.gradients(ids, mask, torch.full((2, 3), 1 / 3), weights)
    assert not torch.allclose(other, hard, atol=1e-4)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"teacher": "../x.jsonl"}, "is not a teacher"),
        ({"teacher": "a/b.jsonl"}, "is not a teacher"),
        ({"teacher": "3f9c"}, "is not a teacher"),
        ({"teacher": "x.csv"}, "is not a teacher"),
        ({"teacher": "x.jsonl", "method": "probe"}, "learns from labels"),
        ({"teacher": "x.jsonl", "family": "causal", "trainer": "sft"}, "learns from labels"),
        ({"teacher": "x.jsonl", "teacher_weight": 0.0}, "learns nothing from the teacher"),
        ({"teacher": "x.jsonl", "teacher_weight": 1.5}, "outside 0..1"),
        ({"teacher": "x.jsonl", "teacher_temperature": 0.0}, "is not above 0"),
        ({"teacher_weight": 0.3}, "without candidate.teacher"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any], said: str) -> None:
    """Each with its cure; a name never becomes a path unchecked."""
    with pytest.raises(RatchetError, match=said):
        Candidate(**settings)


def test_a_teacher_that_is_not_there_is_named(home: tuple[Home, str], tmp_path: Path) -> None:
    """A missing file, a link, an unknown digest: before anything is trained."""
    root, digest = home
    assert DIGEST.fullmatch(digest)
    for name in ("nobody.jsonl", "0" * 64):
        with pytest.raises(RatchetError, match=name[:10]):
            find_teachers(root, CYCLE, (Candidate(teacher=name),))
    (root.classifier("small") / "teachers" / "link.jsonl").symlink_to(tmp_path)
    with pytest.raises(RatchetError, match="link"):
        find_teachers(root, CYCLE, (Candidate(teacher="link.jsonl"),))
    assert Candidate(teacher=digest).alone() == Candidate()


def test_an_adapter_of_a_later_or_unknown_cycle_teaches_nothing(home: tuple[Home, str], tmp_path: Path) -> None:
    """It may have learned what this week holds out; one of the same week or before may teach."""
    root, asked = Home(tmp_path), (Candidate(teacher=home[1]),)
    digest = AdapterStore(root).seal("small", AdapterStore(home[0]).open("small", home[1]), {})
    assert digest == home[1]
    with pytest.raises(RatchetError, match="of an unknown cycle") as refused:
        find_teachers(root, CYCLE, asked)
    assert refused.value.code == "late_teacher"
    Receipts(root).note(CYCLE, adapter=digest)
    assert set(find_teachers(root, CYCLE, asked)) == set(
        find_teachers(root, Cycle("small", parse_week("2026-01-19")), asked)
    )
    with pytest.raises(
        RatchetError, match=r"of the later cycle 2026-01-12, so it may have learned what 2026-01-05 holds out"
    ):
        find_teachers(root, Cycle("small", parse_week("2026-01-05")), asked)
    Receipts(root).note(Cycle("small", parse_week("2026-01-19")), adapter=digest)
    with pytest.raises(RatchetError, match="of the later cycle 2026-01-19"):
        find_teachers(root, CYCLE, asked)
