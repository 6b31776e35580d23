"""The training process as it is launched: progress, resuming, reusing, failing."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.training.device import PROCESSES
from ratchet.training.plan import TrainingPlan
from ratchet.training.result import read_result
from ratchet.training.supervision.work_lock import lock_work_folder

pytestmark = pytest.mark.slow

Launch = Callable[..., subprocess.CompletedProcess[str]]
Prepare = Callable[[Path, TrainingPlan], Path]
Kill = Callable[..., int]
Plant = Callable[[str, str, str], dict[str, str]]


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory, plan: TrainingPlan, prepare_work: Prepare, launch: Launch
) -> Path:
    """A work folder that a pair of processes has finished, as outside of tests. Copy it before changing anything."""
    work = prepare_work(tmp_path_factory.mktemp("work"), plan)
    done = launch(work, **{PROCESSES: "2"})
    assert done.returncode == 0, done.stderr
    return work


@pytest.mark.supports(family="encoder", method=("lora", "probe"), runtime="training", export="adapter")
def test_a_training_reports_every_candidate_and_names_the_best(trained: Path, plan: TrainingPlan) -> None:
    """result.json holds what the report needs: metrics of each epoch, targets, share, speed, and the best by NLL."""
    result = read_result(trained)
    lora, probe = result.candidates
    assert result.plan == plan.digest
    assert [len(lora.epochs), lora.selected_epoch, lora.resumed_from_epoch] == [2, lora.epochs[-1].epoch, None]
    assert [lora.matched_layers, lora.target_modules] == [13, ("dense", "key", "query", "value")]
    assert 0 < lora.trainable_share < 0.5
    assert lora.samples_per_second > 0
    assert lora.calibration is not None
    assert probe.calibration is not None
    assert lora.served_macro_nll is not None
    assert probe.served_macro_nll is not None
    assert result.best == min((lora.served_macro_nll, 0), (probe.served_macro_nll, 1))[1]
    assert abs(lora.calibration.nll - lora.epochs[lora.selected_epoch - 1].nll) < 1e-9
    assert not list(trained.rglob(".*stage*"))


def ends_as_if_never_killed(work: Path, trained: Path, launch: Launch, kill: Kill, **environment: str) -> bool:
    """The assertion of F29: kill -9 after an epoch leaves no artefact, and the next launch ends with the digest of no
    crash."""
    assert kill(work, "training.after_epoch", 1, **environment) == 2
    assert not (work / "result.json").exists()
    assert not (work / "candidate-0" / "adapter").exists()
    again = launch(work, **environment)
    assert again.returncode == 0, again.stderr
    here, there = read_result(work).candidates[0], read_result(trained).candidates[0]
    same = [epoch.nll for epoch in here.epochs] == [epoch.nll for epoch in there.epochs]
    return same and (here.resumed_from_epoch, here.weights_digest) == (1, there.weights_digest)


@pytest.mark.usefixtures("pair")
def test_a_killed_training_resumes_from_its_last_epoch_and_ends_with_the_same_weights(
    tmp_path: Path, trained: Path, plan: TrainingPlan, prepare_work: Prepare, launch: Launch, kill_at: Kill
) -> None:
    """Fault F29."""
    assert ends_as_if_never_killed(prepare_work(tmp_path, plan), trained, launch, kill_at)


@pytest.mark.usefixtures("pair")
@pytest.mark.faults
def test_a_training_that_forgets_its_optimiser_is_noticed(
    tmp_path: Path,
    trained: Path,
    plan: TrainingPlan,
    prepare_work: Prepare,
    launch: Launch,
    kill_at: Kill,
    plant_in_copy: Plant,
) -> None:
    """The planted bug fails the very assertion that the real one passes (F29's mutant)."""
    restored = "self.optimiser.state[self.flat] = {name: tensors[name].clone() for name in _MOMENTS if name in tensors}"
    mutant = plant_in_copy("ratchet/training/native/trainable_model.py", restored, "pass")
    assert not ends_as_if_never_killed(prepare_work(tmp_path, plan), trained, launch, kill_at, **mutant)


def test_a_training_killed_before_its_result_takes_what_it_had_trained(
    tmp_path: Path, make_plan: Callable[..., TrainingPlan], prepare_work: Prepare, launch: Launch
) -> None:
    """F29 at its last line, in both tries: the candidate is there, the result is not; the next launch writes it, trains
    nothing."""
    work = prepare_work(tmp_path, make_plan({"method": "probe"}))
    assert launch(work, RATCHET_FAILPOINT="training.before_result:kill").returncode == 1
    assert not (work / "result.json").exists()
    (weights,) = work.glob("candidate-0/adapter/probe.safetensors")
    before = weights.stat().st_mtime_ns
    assert launch(work).returncode == 0
    assert read_result(work).candidates[0].folder
    assert weights.stat().st_mtime_ns == before


def test_a_finished_training_is_reused(trained: Path, launch: Launch) -> None:
    """A second launch of the same plan says that it reuses the result, and changes nothing."""
    before = (trained / "result.json").read_bytes()
    again = launch(trained)
    assert [again.returncode, (trained / "result.json").read_bytes()] == [0, before]
    assert "reusing the result" in again.stderr


def test_candidates_that_fail_say_why_and_leave_nothing(
    tmp_path: Path, make_plan: Callable[..., TrainingPlan], prepare_work: Prepare, launch: Launch
) -> None:
    """When no candidate can be trained the exit code is 1, every reason is given, and no artefact is visible."""
    work = prepare_work(tmp_path, make_plan({"target_modules": ("q_proj",)}, {"learning_rate": 1e300}))
    done = launch(work)
    assert done.returncode == 1
    assert (
        "target module 'q_proj' matches no linear layer of the base model (has: dense, key, query, value)"
        in done.stderr
    )
    assert "training loss became nan" in done.stderr
    assert not (work / "result.json").exists()
    assert not list(work.rglob("adapter*"))
    reasons = [json.loads((work / f"candidate-{index}/outcome.json").read_text())["status"] for index in (0, 1)]
    assert reasons == ["failed", "failed"]


def test_a_second_trainer_is_turned_away(tmp_path: Path, trained: Path, launch: Launch) -> None:
    """Fault F30: while one trainer holds the lease of a work folder, another ends with a sentence."""
    work = tmp_path / trained.name
    shutil.copytree(trained, work)
    with lock_work_folder(work):
        done = launch(work)
    assert done.returncode == 1
    assert "another training is running" in done.stderr
