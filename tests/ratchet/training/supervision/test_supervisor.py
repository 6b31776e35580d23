"""A training that is killed, refused memory or hung is tried once more in half the room, and then stops (fault F31)."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ratchet.training.plan import TrainingPlan
from ratchet.training.result import TrainingResult, read_result

pytestmark = pytest.mark.slow

Done = subprocess.CompletedProcess[str]
Launch = Callable[..., Done]
Make = Callable[..., TrainingPlan]
Prepare = Callable[[Path, TrainingPlan], Path]
Plant = Callable[[str, str, str], dict[str, str]]
AGAIN = "trying once more with half as many texts at once"
KILLED = "was killed (SIGKILL; too little memory is the usual cause)"


@pytest.fixture
def probe_work(tmp_path: Path, make_plan: Make, prepare_work: Prepare) -> Path:
    """A work folder with one probe to train."""
    return prepare_work(tmp_path / "probe", make_plan({"method": "probe"}))


def second_try_helped(done: Done, words: str) -> bool:
    """The assertion of F31: the end of the first try has its name, and there is a result."""
    return done.returncode == 0 and done.stderr.count(f"{words}; {AGAIN}") == 1


def halved(result: TrainingResult) -> list[bool]:
    """Which candidates needed half the room."""
    return [found.halved for found in result.candidates]


def test_a_killed_worker_is_followed_by_one_in_half_the_room(probe_work: Path, launch: Launch) -> None:
    """It dies in the first whole batch that it computes; the result says that it was halved, and so does the last
    line."""
    done = launch(probe_work, RATCHET_FAILPOINT="training.whole_batch:kill")
    assert second_try_helped(done, f"the training {KILLED}")
    assert halved(read_result(probe_work)) == [True]
    assert "status trained with half as many texts at once" in done.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [('progress, "--halved")', "progress)"), ("if not first.worth_another_try:", "if True:")],
    ids=["not halved", "not tried"],
)
def test_a_second_try_that_is_none_is_noticed(
    old: str, new: str, probe_work: Path, launch: Launch, plant_in_copy: Plant
) -> None:
    """F31's mutants: the second try takes as much memory as the first, or there is none."""
    mutant = plant_in_copy("ratchet/training/supervision/supervisor.py", old, new)
    done = launch(probe_work, RATCHET_FAILPOINT="training.whole_batch:kill", **mutant)
    assert not second_try_helped(done, f"the training {KILLED}")


def test_a_hung_worker_is_ended_and_followed(probe_work: Path, launch: Launch) -> None:
    """It would stand still for ten minutes; the silence of 20 s ends it, and silent.txt says where it stood."""
    done = launch(probe_work, RATCHET_FAILPOINT="training.whole_batch:sleep:600000", RATCHET_TRAINING_SILENCE_S="20")
    assert second_try_helped(done, "the training hung: it made no progress for 20 s; silent.txt shows where it stopped")
    assert "in failpoint" in (probe_work / "silent.txt").read_text()


def loses_second(
    tmp_path: Path, make_plan: Make, prepare_work: Prepare, launch: Launch, **environment: str
) -> tuple[Done, Path]:
    """A LoRA whose second process is killed, and a probe that would win without it."""
    work = prepare_work(tmp_path / "pair", make_plan({"epochs": 1}, {"method": "probe"}))
    return launch(work, RATCHET_FAILPOINT="training.second_process:kill", **environment), work


@pytest.mark.usefixtures("pair")
@pytest.mark.faults
def test_a_candidate_that_loses_its_second_process_is_not_given_up(
    tmp_path: Path, make_plan: Make, prepare_work: Prepare, launch: Launch
) -> None:
    """It is trained in the second try, instead of leaving the choice to those that need less memory."""
    done, work = loses_second(tmp_path, make_plan, prepare_work, launch)
    assert second_try_helped(done, f"the training's second process {KILLED}")
    assert [found.status for found in read_result(work).candidates] == ["trained", "trained"]


@pytest.mark.usefixtures("pair")
def test_a_trainer_that_gives_the_candidate_up_is_noticed(
    tmp_path: Path, make_plan: Make, prepare_work: Prepare, launch: Launch, plant_in_copy: Plant
) -> None:
    """F31's mutant takes the lost process for a fault of the candidate, and the probe wins unopposed."""
    old, new = (
        f"    except {kind} as error:\n        if is_out_of_memory(error):" for kind in ("RatchetError", "Exception")
    )
    mutant = plant_in_copy("ratchet/training/methods.py", old, new)
    done, work = loses_second(tmp_path, make_plan, prepare_work, launch, **mutant)
    assert not second_try_helped(done, f"the training's second process {KILLED}")
    assert read_result(work).candidates[0].status == "failed"


def test_killed_twice_it_stops_and_what_it_finished_is_kept(
    tmp_path: Path, make_plan: Make, prepare_work: Prepare, launch: Launch
) -> None:
    """Exit code 1 with one sentence; the second try began behind the first one's epoch, and so does the next launch."""
    work = prepare_work(tmp_path, make_plan({}))
    done = launch(work, RATCHET_FAILPOINT="training.after_epoch:kill")
    assert done.returncode == 1
    assert [done.stderr.count(f"{words}") for words in ("epoch 1:", "epoch 2:", AGAIN)] == [1, 1, 1]
    assert (
        f"error: the training {KILLED}; with half as many texts at once the training {KILLED}. hint: Give"
        in done.stderr
    )
    assert json.loads((work / "failure.json").read_text())["error"]["code"] == "training_killed"
    assert not (work / "result.json").exists()
    assert launch(work).returncode == 0
    (found,) = read_result(work).candidates
    assert [found.resumed_from_epoch, found.halved] == [2, True]


def test_a_limit_on_memory_is_named(probe_work: Path) -> None:
    """RLIMIT_AS of 600 MB, which not even the imports fit into: both tries end, and both are called what they are."""
    limited = (
        "resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000)); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", f"import os, resource, sys; {limited}", sys.executable, "-m", "ratchet.training"]
    done = subprocess.run([*command, str(probe_work)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert AGAIN in done.stderr
    assert json.loads((probe_work / "failure.json").read_text())["error"]["code"] == "training_out_of_memory"


def test_what_the_user_can_mend_is_not_tried_twice(
    tmp_path: Path, make_plan: Make, prepare_work: Prepare, launch: Launch
) -> None:
    """A wrong layer is as wrong in half the room; a wrong setting is told before anything starts."""
    work = prepare_work(tmp_path, make_plan({"target_modules": ("q_proj",)}))
    for environment, told in (
        ({}, "no candidate could be trained"),
        ({"RATCHET_TRAINING_SILENCE_S": "soon"}, "is 'soon'"),
    ):
        done = launch(work, **environment)
        assert done.returncode == 1
        assert told in done.stderr
        assert AGAIN not in done.stderr


def test_the_kernel_takes_a_trainer_first_and_the_lease_is_theirs_too(probe_work: Path) -> None:
    """A worker stands still: the kernel would choose it, not whoever started it, and it holds the lease of the work
    folder."""
    command = [sys.executable, "-m", "ratchet.training", str(probe_work)]
    environment = {**os.environ, "RATCHET_FAILPOINT": "training.before_result:sleep:600000"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as training:
        assert training.stderr is not None
        assert any("candidate 0" in line for line in training.stderr)
        (worker,) = psutil.Process(training.pid).children()
        adjusted = [int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (training.pid, worker.pid)]
        held = [file.path for file in worker.open_files()]
        os.kill(training.pid, signal.SIGKILL)
    assert adjusted[1] > adjusted[0]
    assert str(probe_work / ".lease") in held


@pytest.mark.usefixtures("pair")
@pytest.mark.faults
def test_whichever_process_is_killed_the_training_ends_well(
    tmp_path: Path, make_plan: Make, prepare_work: Prepare, planned: Callable[[str, int], int]
) -> None:
    """One of worker and second process, drawn by a seed, before or behind a drawn epoch: named, tried again from there,
    done."""
    for seed in range(planned("P", 2)):
        draw = random.Random(seed)  # noqa: S311 - guards nothing
        epoch = draw.randrange(4)
        work = prepare_work(tmp_path / str(seed), make_plan({"epochs": 12, "patience": 12}))
        command = [sys.executable, "-m", "ratchet.training", str(work)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as training:
            assert training.stderr is not None
            assert any(("candidate 0 of 1", f"epoch {epoch}:")[epoch > 0] in line for line in training.stderr)
            victim = draw.choice(psutil.Process(training.pid).children(recursive=True))
            whose = "the training" if victim.ppid() == training.pid else "the training's second process"
            victim.kill()
            rest = training.stderr.read()
        assert training.returncode == 0, rest
        assert rest.count(f"{whose} {KILLED}; {AGAIN}") == 1, (seed, rest)
        (found,) = read_result(work).candidates
        assert found.halved, seed
        assert (found.resumed_from_epoch or 0) >= epoch, seed
