"""Result of a training: `result.json`, and the check that its figures belong to the weights beside it.

Add here what is known after training. Its inputs are in `plan.py`.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import read_folder
from ratchet.training.history import Epoch, ValidationMetrics
from ratchet.training.plan import read_plan

RESULT = "result.json"
FAILURE = "failure.json"
"""Error document of a training that failed."""


@dataclass(frozen=True)
class CandidateResult:
    """Result of one candidate. Only a trained one has a folder, a digest and metrics."""

    index: int
    title: str
    family: str
    method: str
    status: str
    """`trained` or `failed`."""
    reason: str = ""
    folder: str = ""
    weights_digest: str = ""
    calibration: ValidationMetrics | None = None
    """Metrics of the serving float32 predictor, without temperature, on the calibration split."""
    served_nll: float | None = None
    """NLL on the calibration split with a cross-fitted temperature, as served."""
    epochs: tuple[Epoch, ...] = ()
    selected_epoch: int | None = None
    stopped_early: bool = False
    target_modules: tuple[str, ...] = ()
    matched_layers: int = 0
    trainable_share: float = 0.0
    resumed_from_epoch: int | None = None
    seconds: float = 0.0
    samples_per_second: float = 0.0
    lower_layers: str = ""
    """Treatment of the frozen lower layers, where only the upper ones learn."""
    pairs: int = 0
    """Number of pairs mined for a preference pass."""
    first_kept: str = ""
    """Reason for keeping the first pass; empty where a preference pass was better, or there was none."""
    served_macro_nll: float | None = None
    """The same averaged over true classes: the best candidate has the lowest. None in results of an earlier version."""
    halved: bool = False
    """True where some of it ran with half the memory budget, after a first try was killed, out of memory or hung."""

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "CandidateResult":
        """Inverse of `dataclasses.asdict` through JSON."""
        measured = content["calibration"]
        return cls(
            **{
                **content,
                "calibration": None if measured is None else ValidationMetrics(**measured),
                "epochs": tuple(Epoch(**epoch) for epoch in content["epochs"]),
                "target_modules": tuple(content["target_modules"]),
            }
        )


@dataclass(frozen=True)
class TrainingResult:
    """Results of all candidates of a plan, and the best one."""

    plan: str
    """Digest of the plan that was trained."""
    best: int
    candidates: tuple[CandidateResult, ...]
    work: Path

    @property
    def best_candidate(self) -> CandidateResult:
        """Candidate with the lowest calibration NLL as served, averaged over true classes."""
        return self.candidates[self.best]

    @property
    def best_folder(self) -> Path:
        """Adapter folder of the best candidate."""
        return self.work / self.best_candidate.folder

    def as_json(self) -> dict[str, Any]:
        """Content of `result.json`."""
        return {"plan": self.plan, "best": self.best, "candidates": [asdict(result) for result in self.candidates]}


def summarise(found: CandidateResult) -> dict[str, str]:
    """One candidate as a table row of formatted strings."""
    measured = found.calibration
    return {
        "candidate": found.title,
        "status": _status(found),
        "NLL": f"{measured.nll:.4f}" if measured else "",
        "NLL calibrated": "" if found.served_nll is None else f"{found.served_nll:.4f}",
        "NLL by class": "" if found.served_macro_nll is None else f"{found.served_macro_nll:.4f}",
        "macro-F1": f"{measured.macro_f1:.4f}" if measured else "",
        "epoch": "" if found.selected_epoch is None else f"{found.selected_epoch} of {len(found.epochs)}",
        "trainable": _trainable(found),
        "seconds": f"{found.seconds:.1f}",
    }


def _trainable(found: CandidateResult) -> str:
    if not found.trainable_share:
        return ""
    layers = f" ({found.matched_layers} layers)" if found.matched_layers else ""
    return f"{found.trainable_share:.2%}{layers}"


def _status(found: CandidateResult) -> str:
    words = f"{found.status} with half as many texts at once" if found.halved else found.status
    words = f"{words}, {found.lower_layers}" if found.lower_layers else words
    words = f"{words}, on {found.pairs} pairs" if found.pairs else words
    words = f"{words}, {found.first_kept}" if found.first_kept else words
    return words if not found.reason else f"{words}: {found.reason}"


def choose_best(candidates: Sequence[CandidateResult]) -> int:
    """Return the index of the trained candidate with the lowest calibration NLL as served, averaged over true classes,
    the first of equals.

    Where an earlier version trained one of them, whose figure is over items alone, all are compared by that. Raises
    `RatchetError` with all reasons where none was trained.
    """
    by_item = [(result.served_nll, result.index) for result in candidates if result.served_nll is not None]
    by_class = [(result.served_macro_nll, result.index) for result in candidates if result.served_macro_nll is not None]
    trained = by_class if len(by_class) == len(by_item) else by_item
    if not trained:
        reasons = " ".join(f"{result.title}: {result.reason}" for result in candidates)
        raise RatchetError(f"no candidate could be trained. {reasons}", code="no_candidate")
    return min(trained)[1]


def weights_digest(folder: Path) -> str:
    """Digest of an adapter folder's content, 64 hex digits; raises `RatchetError` for any other folder."""
    return form.content_digest(read_folder(folder))


def read_result(work: Path) -> TrainingResult:
    """Read the result of a work folder and compare every reported digest with the files.

    Raises `RatchetError` where the result is missing or of another plan, or weights differ from those reported.
    """
    path = work / RESULT
    if not path.is_file():
        raise RatchetError(
            f"the training in {work} left no result.", "Run the cycle again; it resumes.", code="no_result"
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        candidates = tuple(CandidateResult.from_json(found) for found in content["candidates"])
        result = TrainingResult(content["plan"], content["best"], candidates, work)
    except (ValueError, KeyError, TypeError) as error:
        raise _refuse(f"{path} cannot be read ({type(error).__name__}: {error}).") from None
    # a stale or edited file would choose another candidate, so its claims are checked against plan and weights
    plan = read_plan(work)
    if result.plan != plan.digest or len(candidates) != len(plan.candidates):
        raise _refuse(f"{path} is the result of another plan.")
    for found in candidates:
        check_result(work, found)
    if result.best != choose_best(candidates):
        raise _refuse(f"{path} names candidate {result.best} as best, but its own figures name another.")
    return result


@contextmanager
def explain_failure(work: Path) -> Iterator[None]:
    """Run a training in this context; where it fails, raise the error that its supervisor wrote, if any."""
    (work / FAILURE).unlink(missing_ok=True)
    try:
        yield
    except Exception as error:
        if not (work / FAILURE).is_file():
            raise
        failure = json.loads((work / FAILURE).read_bytes())["error"]
        raise RatchetError(failure["message"], failure["hint"], code=failure["code"]) from error


def check_result(work: Path, found: CandidateResult) -> None:
    """Raise `RatchetError` where a trained candidate's files differ from those its figures were reported for."""
    if found.status == "failed":
        return
    if found.folder != f"candidate-{found.index}/adapter" or found.status != "trained":
        raise _refuse(f"candidate {found.index} is {found.status!r} in {found.folder!r}.")
    if weights_digest(work / found.folder) != found.weights_digest:
        raise _refuse(f"the weights of candidate {found.index} differ from those that were reported.")


def _refuse(message: str) -> RatchetError:
    return RatchetError(message, "Delete the work folder and run the cycle again.", code="bad_result")
