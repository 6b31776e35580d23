"""`python -m ratchet.training WORK_FOLDER`: train every candidate of a plan, at most two at once, and write `result.json`.

This process is light: it holds the lease, starts one process for each candidate and passes their reports on. Add here how
candidates are scheduled; what one of them does is in `candidates.py`.
"""

import argparse
import json
import os
import selectors
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ratchet.errors import RatchetError
from ratchet.stores.files import write_json
from ratchet.training.lifeline import die_with_parent, hold_lease
from ratchet.training.outcome import RESULT, CandidateResult, TrainingResult, check_candidate, choose_best, read_result
from ratchet.training.plan import read_plan
from ratchet.training.progress import Progress, open_progress

_AT_ONCE = 2
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 when a result lies in the work folder, 1 with one sentence when not."""
    parser = argparse.ArgumentParser(prog="python -m ratchet.training", description=__doc__)
    parser.add_argument("work", type=Path, help="the folder that ratchet.training.plan.prepare returned")
    parser.add_argument("--candidate", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, default=os.getppid(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    die_with_parent(options.parent)
    if options.candidate is not None:
        return _work_on(options.work, options.candidate)
    try:
        with open_progress() as progress:
            _train_all(options.work, progress)
    except RatchetError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is the command's answer
        return error.exit_code
    return 0


def _train_all(work: Path, progress: Progress) -> None:
    plan = read_plan(work)
    with hold_lease(work) as lease:
        if (work / RESULT).is_file():
            result = read_result(work)
            progress.say(f"training: reusing the result of plan {plan.digest[:16]}")
        else:
            indices = range(len(plan.candidates))
            _run_workers(work, [index for index in indices if _finished(work, index) is None], lease, progress)
            found = [_need(_finished(work, index), index) for index in indices]
            result = TrainingResult(plan.digest, choose_best(found), tuple(found), work)
            write_json(work / RESULT, result.as_json())
            result = read_result(work)
    for candidate in result.candidates:
        progress.say(_describe(candidate))
    best = result.best_candidate
    progress.say(f"training: best is {best.title}")
    progress.finish(_metadata(result), best.weights_digest)


def _run_workers(work: Path, waiting: list[int], lease: int, progress: Progress) -> None:
    """Run one process for each waiting candidate, `_AT_ONCE` at a time, all started by this thread."""
    with selectors.DefaultSelector() as selector:
        while waiting or selector.get_map():
            while waiting and len(selector.get_map()) < _AT_ONCE:
                index = waiting.pop(0)
                worker = _start_worker(work, index, lease)
                selector.register(worker.stdout, selectors.EVENT_READ, (index, worker))  # type: ignore[arg-type]
            for key, _ in selector.select():
                index, worker = key.data
                if line := worker.stdout.readline():
                    _pass_on(index, line, progress)
                    continue
                selector.unregister(worker.stdout)
                if worker.wait() != 0:
                    raise RatchetError(
                        f"the process of candidate {index} ended with {worker.returncode} before its result was written.",
                        "Run the cycle again; it resumes from the last finished epoch. A kill (-9) often means too little memory.",
                        code="training_crashed",
                    )


def _start_worker(work: Path, index: int, lease: int) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "ratchet.training", str(work)]
    return subprocess.Popen(
        [*command, "--candidate", str(index), "--parent", str(os.getpid())],
        stdout=subprocess.PIPE,
        pass_fds=[lease],
        env={**os.environ, **_ONE_THREAD},
        bufsize=0,
    )


def _work_on(work: Path, index: int) -> int:
    from ratchet.training.candidates import open_task, train_candidate

    def report(epoch: Any) -> None:
        print(json.dumps(asdict(epoch)), flush=True)  # noqa: T201 - the parent reads it

    write_json(work / f"candidate-{index}" / "outcome.json", asdict(train_candidate(open_task(work, index), report)))
    return 0


def _finished(work: Path, index: int) -> CandidateResult | None:
    path = work / f"candidate-{index}" / "outcome.json"
    if not path.is_file():
        return None
    found = CandidateResult.from_json(json.loads(path.read_bytes()))
    check_candidate(work, found)
    return found


def _need(found: CandidateResult | None, index: int) -> CandidateResult:
    if found is None:
        raise RatchetError(f"the process of candidate {index} left no outcome.", "Run the cycle again.", code="no_result")
    return found


def _pass_on(index: int, line: bytes, progress: Progress) -> None:
    figures = {"candidate": index, **json.loads(line)}
    progress.epoch(figures)
    progress.say(
        f"candidate {index} epoch {figures['epoch']}: loss {figures['train_loss']:.3f} "
        f"macro-F1 {figures['macro_f1']:.3f} NLL {figures['nll']:.3f} ECE {figures['ece']:.3f} "
        f"Brier {figures['brier']:.3f} ({figures['seconds']:.0f} s)"
    )


def _describe(found: CandidateResult) -> str:
    if found.calibration is None:
        return f"candidate {found.index} {found.title}: failed, {found.reason}"
    chosen = f", epoch {found.selected_epoch}" if found.selected_epoch else ""
    return f"candidate {found.index} {found.title}: NLL {found.calibration.nll:.4f}{chosen}"


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
