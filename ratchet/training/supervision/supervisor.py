"""Supervisor of a training: it starts the worker, relays its messages, diagnoses an early end, and retries once.

It imports nothing heavy, so that it is the last process to run out of memory. Add here the reaction to a worker that
ends early; the diagnosis is in `exit_reason.py`, the worker in `ratchet/training/worker.py`.
"""

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ratchet.config.secret_variables import without_secrets
from ratchet.core.errors import RatchetError
from ratchet.training.device import read_processes
from ratchet.training.plan import read_plan
from ratchet.training.result import FAILURE, RESULT, TrainingResult, read_result, summarise
from ratchet.training.supervision.exit_reason import ExitReason, diagnose_exit, memory_limit, second_failure
from ratchet.training.supervision.progress import Progress
from ratchet.training.supervision.watchdog import TRACE, read_silence
from ratchet.training.supervision.work_lock import lock_work_folder
from ratchet.training.supervision.worker_channel import relay_worker


def supervise(work: Path, progress: Progress) -> None:
    """Train the plan of a work folder, or reuse its result, and report it.

    A worker that is killed, out of memory or hung is followed by exactly one more, which computes half as many texts at
    once and resumes after the last finished epoch. Raises `RatchetError` where that one ends early too, and every
    `RatchetError` of the worker.
    """
    plan = read_plan(work)
    with lock_work_folder(work) as lease:
        if (work / RESULT).is_file():
            result = read_result(work)
            progress.say(f"training: reusing the result of plan {plan.digest[:16]}")
        else:
            _train(work, lease, progress)
            result = read_result(work)
    for candidate in result.candidates:
        progress.say(", ".join(f"{name} {value}" for name, value in summarise(candidate).items() if value))
    best = result.best_candidate
    progress.say(f"training: best is {best.title}")
    progress.finish(_metadata(result), best.weights_digest)


def _train(work: Path, lease: int, progress: Progress) -> None:
    for old in (FAILURE, TRACE):  # of an earlier training
        (work / old).unlink(missing_ok=True)
    first = _run_worker(work, lease, progress)
    if first is None:
        return
    if not first.worth_another_try:
        raise RatchetError(f"{first.words}.", first.hint, code=f"training_{first.cause}")
    progress.say(f"{first.words}; trying once more with half as many texts at once")
    second = _run_worker(work, lease, progress, "--halved")
    if second is not None:
        raise second_failure(first, second)


def _run_worker(work: Path, lease: int, progress: Progress, *options: str) -> ExitReason | None:
    """Run one worker; return None where it finished, else the reason for its early end. Its own error is raised."""
    silence_s, _ = read_silence(), read_processes()  # refused before anything heavy is imported
    ours, theirs = os.pipe()
    command = [
        sys.executable,
        "-m",
        "ratchet.training",
        str(work),
        "--worker",
        str(theirs),
        "--parent",
        str(os.getpid()),
        *options,
    ]
    child = subprocess.Popen(command, pass_fds=(theirs, lease), env=without_secrets())
    with os.fdopen(ours, "rb") as stream, child as process:
        os.close(theirs)
        try:
            last = relay_worker(stream, progress)
        except BaseException:
            process.kill()  # its messages have no reader any more
            raise
    if process.returncode == 0:
        return None
    if last.error is not None:
        raise last.error
    return diagnose_exit(process.returncode, silence_s, last.second, memory_limit())


def _metadata(result: TrainingResult) -> dict[str, Any]:
    best = result.best_candidate
    measured: dict[str, Any] = {} if best.calibration is None else asdict(best.calibration)
    halved = {"halved": True} if any(found.halved for found in result.candidates) else {}
    return {
        "candidate": best.title,
        "weights_digest": best.weights_digest,
        **{f"calibration_{name}": value for name, value in measured.items()},
        "trainable_share": best.trainable_share,
        "matched_layers": best.matched_layers,
        "seconds": sum(found.seconds for found in result.candidates),
        **halved,
    }
