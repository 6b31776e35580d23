"""Task of one candidate: its settings, its examples, and the folder of its files.

Add here inputs of a candidate; its training is in `methods.py`.
"""

from dataclasses import dataclass
from pathlib import Path

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import Prompt
from ratchet.core.errors import RatchetError
from ratchet.models.base_models import Base, resolve_base
from ratchet.training.plan import Examples, TrainingPlan, pin_templates, read_examples, read_plan
from ratchet.training.result import CandidateResult
from ratchet.training.supervision.memory_budget import FULL, MemoryBudget


@dataclass(frozen=True)
class Task:
    """One candidate with all its inputs."""

    plan: TrainingPlan
    index: int
    base: Base
    train: Examples
    calibration: Examples
    work: Path
    room: MemoryBudget = FULL

    @property
    def folder(self) -> Path:
        """Folder of this candidate's files."""
        return self.work / f"candidate-{self.index}"

    @property
    def checkpoints(self) -> Path:
        """Folder of finished epochs until the adapter is written."""
        return self.folder / "checkpoints"

    @property
    def candidate(self) -> Candidate:
        """Settings of this candidate."""
        return self.plan.candidates[self.index]

    @property
    def prompt(self) -> Prompt:
        """Prompt of a causal candidate; raises ValueError where the plan has none."""
        if self.plan.prompt is None:
            raise ValueError("the plan has no prompt")
        return self.plan.prompt

    @property
    def targets(self) -> list[int]:
        """Class indices of the training examples."""
        return [self.plan.labels.index(label) for _, label in self.train]

    def blank_result(self) -> CandidateResult:
        """Result of a candidate before its training."""
        candidate = self.candidate
        halved = self.room.halved
        return CandidateResult(
            self.index, candidate.title, candidate.family, candidate.method, status="failed", halved=halved
        )


def open_task(work: Path, index: int, room: MemoryBudget = FULL) -> Task:
    """Open candidate `index` of a work folder; raises `RatchetError` where its base model differs from the plan's."""
    plan = read_plan(work)
    base = resolve_base(plan.candidates[index].base)
    if base.revision != plan.bases[base.name]:
        raise RatchetError(
            f"base model {base.name!r} has revision {base.revision[:16]}, the plan pins {plan.bases[base.name][:16]}.",
            "Install the pinned base model, or run the cycle again.",
        )
    if pin_templates(plan.prompt, [base]).get(base.name) != plan.templates.get(base.name):
        raise RatchetError(
            f"the chat template of base model {base.name!r} is not the one that the plan pins.",
            "Put the template back, or run the cycle again.",
        )
    examples = read_examples(work, "train"), read_examples(work, "calibration")
    return Task(plan, index, base, *examples, work, room)
