"""One candidate that cannot be trained does not stop the others, and a base that changed stops them all."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.training.methods import train_candidate
from ratchet.training.plan import TrainingPlan, prepare
from ratchet.training.result import choose_best
from ratchet.training.task import open_task

Prepare = Callable[[Path, TrainingPlan], Path]


def test_a_failed_candidate_leaves_the_choice_to_the_others(
    tmp_path: Path, make_plan: Callable[..., TrainingPlan], prepare_work: Prepare
) -> None:
    """The failed one has its reason and nothing else; the trained one is best, and the same on a second run."""
    work = prepare_work(tmp_path, make_plan({"target_modules": ("q_proj",)}, {"method": "probe"}))
    failed, trained, again = (train_candidate(open_task(work, index), lambda epoch: None) for index in (0, 1, 1))
    assert [failed.status, failed.folder, failed.calibration] == ["failed", "", None]
    assert "matches no linear layer" in failed.reason
    assert choose_best([failed, trained]) == 1
    assert again.weights_digest == trained.weights_digest


def test_a_base_that_is_not_the_pinned_one_is_refused(
    tmp_path: Path, make_plan: Callable[..., TrainingPlan], examples: dict[str, list[tuple[str, str]]]
) -> None:
    """Weights are never trained on another base than the plan names."""
    plan = make_plan({})
    other = replace(plan, bases=dict.fromkeys(plan.bases, "0" * 64))
    work = prepare(tmp_path, other, examples["train"], examples["calibration"])
    with pytest.raises(RatchetError, match="the plan pins 0000000000000000"):
        open_task(work, 0)
