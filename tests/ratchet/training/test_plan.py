"""A plan has one digest, and its work folder holds exactly what it names."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ratchet.config.candidate import Candidate
from ratchet.core.errors import RatchetError
from ratchet.training.plan import TrainingPlan, prepare, read_examples, read_plan

PLAN = TrainingPlan(("a", "b"), (Candidate(), Candidate(method="probe")), {"all-MiniLM-L6-v2": "rev"}, "data", "1")
TRAIN, CALIBRATION = [("one", "a"), ("zwei ü", "b")], [("three", "a")]


def test_a_prepared_folder_reads_back_as_it_was_given(tmp_path: Path) -> None:
    """Plan and examples survive the disk, preparing again changes nothing."""
    work = prepare(tmp_path, PLAN, TRAIN, CALIBRATION)
    assert work.name == PLAN.digest[:16]
    assert read_plan(work) == PLAN
    assert [read_examples(work, "train"), read_examples(work, "calibration")] == [TRAIN, CALIBRATION]
    before = {path: path.stat().st_mtime_ns for path in work.iterdir()}
    assert prepare(tmp_path, PLAN, TRAIN, CALIBRATION) == work
    assert {path: path.stat().st_mtime_ns for path in work.iterdir()} == before


@pytest.mark.parametrize(
    "change",
    [{"labels": ("b", "a")}, {"candidates": (Candidate(seed=1),)}, {"data_digest": "x"}, {"code_version": "2"}],
    ids=str,
)
def test_whatever_decides_the_weights_changes_the_digest(change: dict[str, object]) -> None:
    """Label order, settings, data and code are all part of a plan's name."""
    assert replace(PLAN, **change).digest != PLAN.digest  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("train", "calibration", "found"),
    [
        (TRAIN, [], "the calibration split is empty"),
        (TRAIN[:1], CALIBRATION, "label 'b' has no training example"),
        (TRAIN, [("x", "c")], "label 'c' of the calibration split is not in the plan"),
    ],
    ids=["empty", "missing", "unknown"],
)
def test_examples_that_cannot_train_are_refused(
    tmp_path: Path, train: list[tuple[str, str]], calibration: list[tuple[str, str]], found: str
) -> None:
    """An empty split, a label without examples and a label outside the plan are named before anything is trained."""
    with pytest.raises(RatchetError, match=found):
        prepare(tmp_path, PLAN, train, calibration)


def test_a_plan_in_the_wrong_folder_is_refused(tmp_path: Path) -> None:
    """A work folder whose plan was exchanged is not trained in; one without a plan is named."""
    work = prepare(tmp_path, PLAN, TRAIN, CALIBRATION)
    moved = work.rename(tmp_path / "0123456789abcdef")
    with pytest.raises(RatchetError, match="is the plan of another folder"):
        read_plan(moved)
    with pytest.raises(RatchetError, match=r"holds no plan\.json"):
        read_plan(tmp_path)


def test_a_plan_pins_every_base(make_plan: Callable[..., TrainingPlan]) -> None:
    """A candidate whose base has no revision in the plan is refused."""
    with pytest.raises(RatchetError, match="pins no revision of all-MiniLM-L6-v2"):
        replace(make_plan({}), candidates=(Candidate(),))
