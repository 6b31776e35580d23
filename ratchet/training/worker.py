"""Worker of a training: every candidate of a plan, one after the other, and `result.json` at the end.

A LoRA uses two processes of one thread each (`ratchet/training/native/data_parallel.py`), so candidates never run in
parallel. Add here how candidates are scheduled. The training of one is in `methods.py`; the worker is started and
watched by `ratchet/training/supervision/supervisor.py`.
"""

import json
from dataclasses import asdict
from pathlib import Path

from ratchet.core.failpoints import failpoint
from ratchet.core.files import write_json
from ratchet.training.history import Epoch
from ratchet.training.plan import TrainingPlan, read_plan
from ratchet.training.quantization import prepare_quantising
from ratchet.training.result import RESULT, CandidateResult, TrainingResult, check_result, choose_best
from ratchet.training.supervision.memory_budget import MemoryBudget
from ratchet.training.supervision.watchdog import heartbeat, read_silence, start_watchdog
from ratchet.training.supervision.worker_channel import Channel


def train_all(work: Path, room: MemoryBudget, channel: Channel) -> None:
    """Train the candidates that are not trained yet, and write the result.

    Raises `RatchetError` where no candidate could be trained, and `PeerExitedError` where a pair lost its second
    process.
    """
    start_watchdog(read_silence(), work)
    plan = read_plan(work)
    prepare_quantising(plan.candidates)
    found = tuple(_train_one(work, plan, index, room, channel) for index in range(len(plan.candidates)))
    result = TrainingResult(plan.digest, choose_best(found), found, work)
    failpoint("training.before_result")
    write_json(work / RESULT, result.as_json())


def _train_one(work: Path, plan: TrainingPlan, index: int, room: MemoryBudget, channel: Channel) -> CandidateResult:
    """Train one candidate, or reuse the outcome that an interrupted training left behind."""
    path = work / f"candidate-{index}" / "outcome.json"
    if path.is_file():
        result = CandidateResult.from_json(json.loads(path.read_bytes()))
        check_result(work, result)
        if result.status == "trained":
            channel.say(f"candidate {index}: already trained, reused")
            return result
    from ratchet.training.methods import train_candidate
    from ratchet.training.task import open_task

    heartbeat()
    channel.say(f"candidate {index} of {len(plan.candidates)}: {plan.candidates[index].title}")

    def report(epoch: Epoch) -> None:
        channel.epoch({"candidate": index, **asdict(epoch)})
        channel.say(
            f"candidate {index} epoch {epoch.epoch}: loss {epoch.train_loss:.3f} macro-F1 {epoch.macro_f1:.3f} "
            f"NLL {epoch.nll:.3f} by class {epoch.macro_nll or epoch.nll:.3f} "
            f"ECE {epoch.ece:.3f} Brier {epoch.brier:.3f} ({epoch.seconds:.0f} s)"
        )

    result = train_candidate(open_task(work, index, room), report)
    write_json(path, asdict(result))
    return result
