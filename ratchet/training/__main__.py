"""`python -m ratchet.training WORK_FOLDER`: train every candidate of a plan and write `result.json`.

This process is the supervisor. It starts a worker of the same module, which starts a second process for a LoRA. Add
here how these are distinguished; their work is in `ratchet/training/supervision/supervisor.py`, `worker.py` and
`ratchet/training/native/trainer.py`.
"""

import argparse
import os
import sys
from pathlib import Path

from ratchet.core.child_processes import die_with_parent
from ratchet.core.closed_files import close_keys
from ratchet.core.errors import RatchetError
from ratchet.core.files import write_json
from ratchet.core.process_lifetime import run_process
from ratchet.training.native.data_parallel import ProcessPair
from ratchet.training.plan import PLAN
from ratchet.training.result import FAILURE
from ratchet.training.supervision.exit_reason import OUT_OF_MEMORY, PeerExitedError, is_out_of_memory
from ratchet.training.supervision.memory_budget import MemoryBudget
from ratchet.training.supervision.process_memory import die_before_others, keep_heap_small
from ratchet.training.supervision.progress import open_progress
from ratchet.training.supervision.supervisor import supervise
from ratchet.training.supervision.worker_channel import Channel

_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # else matrix products on a GPU differ from run to run
    "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64",  # each cached kernel holds memory; creating one takes a millisecond
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_OFFLINE": "1",
}


def main(arguments: list[str] | None = None) -> int:
    """Return exit code 0 with a result in the work folder, 1 with one sentence otherwise."""
    parser = argparse.ArgumentParser(prog="python -m ratchet.training", description=__doc__)
    parser.add_argument("work", type=Path, help="the folder that ratchet.training.plan.prepare returned")
    parser.add_argument("--worker", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--halved", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--candidate", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--pair", help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, default=os.getppid(), help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    die_with_parent(options.parent)
    if options.worker is None and options.pair is None:
        return _supervise(options.work)
    os.environ.update(_ENVIRONMENT)  # before torch is imported, which reads them once
    keep_heap_small()
    die_before_others()
    try:
        if options.pair is not None:
            return _help(
                options.work, options.candidate, MemoryBudget(options.halved), *map(int, options.pair.split(","))
            )
        return _work(options.work, MemoryBudget(options.halved), Channel(options.worker))
    except Exception as error:
        if is_out_of_memory(error):
            print(f"out of memory: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201 - the log of the training
            return OUT_OF_MEMORY
        raise


def _supervise(work: Path) -> int:
    try:
        with open_progress() as progress:
            supervise(work, progress)
    except RatchetError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - the command's answer
        if (work / PLAN).is_file():  # else it is not a work folder
            write_json(work / FAILURE, error.as_json())
        return error.exit_code
    return 0


def _work(work: Path, room: MemoryBudget, channel: Channel) -> int:
    from ratchet.training.worker import train_all

    try:
        train_all(work, room, channel)
    except RatchetError as error:
        channel.fail(error)
        return error.exit_code
    except PeerExitedError as error:
        channel.lose_second(error.returncode)
        return 1
    return 0


def _help(work: Path, index: int, room: MemoryBudget, memory: int, channel: int) -> int:
    from ratchet.training.native.trainer import train_as_peer
    from ratchet.training.task import open_task

    try:
        train_as_peer(open_task(work, index, room), ProcessPair(1, memory, channel))
    except (RatchetError, PeerExitedError):  # the first process meets the same error and reports it
        return 1
    return 0


def _close_and_run() -> int:
    """Close the keys of the home around the work folder, then run: a training signs nothing."""
    close_keys(next((Path(word) for word in sys.argv[1:] if not word.startswith("-")), Path()))
    return main()


if __name__ == "__main__":
    run_process(_close_and_run)
