"""`python -m ratchet.training WORK_FOLDER`: train every candidate of a plan, one after the other, and write `result.json`.

A LoRA uses two processes of one thread each (see `duo.py`), so candidates never run side by side. Add here how candidates
are scheduled and reported; what one of them does is in `candidates.py`.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ratchet.errors import RatchetError
from ratchet.failpoints import failpoint
from ratchet.files import write_json
from ratchet.training.duo import Duo
from ratchet.training.epochs import Epoch
from ratchet.training.lifeline import die_with_parent, hold_lease
from ratchet.training.memory import keep_heap_small
from ratchet.training.outcome import (
    RESULT,
    CandidateResult,
    TrainingResult,
    check_candidate,
    choose_best,
    read_result,
    summarise,
)
from ratchet.training.plan import TrainingPlan, read_plan
from ratchet.training.progress import Progress, open_progress

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",  # each kernel that is kept holds memory, and is made anew in a millisecond
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when a result lies in the work folder, 1 with one sentence when not."""
    parser = argparse.ArgumentParser(prog="python -m ratchet.training", description=__doc__)
    parser.add_argument("work", type=Path, help="the folder that ratchet.training.plan.prepare returned")
    parser.add_argument("--candidate", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--pair", help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, default=os.getppid(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    die_with_parent(options.parent)
    os.environ.update(_ENVIRONMENT)  # before anything imports torch
    keep_heap_small()
    try:
        if options.pair is not None:
            _help(options.work, options.candidate, *map(int, options.pair.split(",")))
        else:
            with open_progress() as progress:
                _train_all(options.work, progress)
    except RatchetError as error:
        if options.pair is None:  # the first process meets the same, and tells it
            print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        return error.exit_code
    return 0


def _help(work: Path, index: int, memory: int, channel: int) -> None:
    from ratchet.training.candidates import follow_candidate, open_task

    follow_candidate(open_task(work, index), Duo(1, memory, channel))


def _train_all(work: Path, progress: Progress) -> None:
    plan = read_plan(work)
    with hold_lease(work):
        if (work / RESULT).is_file():
            result = read_result(work)
            progress.say(f"training: reusing the result of plan {plan.digest[:16]}")
        else:
            found = tuple(_train_one(work, plan, index, progress) for index in range(len(plan.candidates)))
            result = TrainingResult(plan.digest, choose_best(found), found, work)
            failpoint("training.before_result")
            write_json(work / RESULT, result.as_json())
            result = read_result(work)
    for candidate in result.candidates:
        progress.say(", ".join(f"{name} {value}" for name, value in summarise(candidate).items() if value))
    best = result.best_candidate
    progress.say(f"training: best is {best.title}")
    progress.finish(_metadata(result), best.weights_digest)


def _train_one(work: Path, plan: TrainingPlan, index: int, progress: Progress) -> CandidateResult:
    """Train one candidate, or take the outcome that an interrupted training left behind."""
    path = work / f"candidate-{index}" / "outcome.json"
    if path.is_file():
        found = CandidateResult.from_json(json.loads(path.read_bytes()))
        check_candidate(work, found)
        if found.status == "trained":
            progress.say(f"candidate {index}: trained before, kept")
            return found
    from ratchet.training.candidates import open_task, train_candidate

    progress.say(f"candidate {index} of {len(plan.candidates)}: {plan.candidates[index].title}")

    def report(epoch: Epoch) -> None:
        progress.epoch({"candidate": index, **asdict(epoch)})
        progress.say(
            f"candidate {index} epoch {epoch.epoch}: loss {epoch.train_loss:.3f} macro-F1 {epoch.macro_f1:.3f} "
            f"NLL {epoch.nll:.3f} ECE {epoch.ece:.3f} Brier {epoch.brier:.3f} ({epoch.seconds:.0f} s)"
        )

    found = train_candidate(open_task(work, index), report)
    write_json(path, asdict(found))
    return found


def _metadata(result: TrainingResult) -> dict[str, Any]:
    best = result.best_candidate
    measured: dict[str, Any] = {} if best.calibration is None else asdict(best.calibration)
    return {
        "candidate": best.title,
        "weights_digest": best.weights_digest,
        **{f"calibration_{name}": value for name, value in measured.items()},
        "trainable_share": best.trainable_share,
        "matched_layers": best.matched_layers,
        "seconds": sum(found.seconds for found in result.candidates),
    }


if __name__ == "__main__":
    sys.exit(main())
