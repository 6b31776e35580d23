"""What a training leaves behind: `result.json`, and the proof that its figures belong to the weights beside it.

Add here what is known after training. What went in is in `plan.py`.
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
"""Why there is no result: the document of an error."""


@dataclass(frozen=True)
class CandidateResult:
    """What became of one candidate. Only a trained one has a folder, a digest and metrics."""

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
    """Of the float32 predictor that serves, without temperature, on the calibration split."""
    served_nll: float | None = None
    """NLL on the calibration split with a cross-fitted temperature: it decides, for a temperature is what will be
    served."""
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
    """What was done with the layers that do not learn, when only the upper ones do."""
    pairs: int = 0
    """Mined for a preference pass."""
    first_kept: str = ""
    """Why what was learned before the preference pass is kept; empty where the pass made it better, or there was none.
    """
    halved: bool = False
    """Whether any of it was computed in half the room, after a first try was killed, refused memory or hung."""

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
    """What became of every candidate of a plan, and which one is best."""

    plan: str
    """Digest of the plan."""
    best: int
    candidates: tuple[CandidateResult, ...]
    work: Path

    @property
    def best_candidate(self) -> CandidateResult:
        """The candidate with the lowest calibration NLL as served."""
        return self.candidates[self.best]

    @property
    def best_folder(self) -> Path:
        """The best candidate's adapter folder."""
        return self.work / self.best_candidate.folder

    def as_json(self) -> dict[str, Any]:
        """The content of `result.json`."""
        return {"plan": self.plan, "best": self.best, "candidates": [asdict(result) for result in self.candidates]}


def summarise(found: CandidateResult) -> dict[str, str]:
    """One candidate as a row of ready strings, for tables."""
    measured = found.calibration
    return {
        "candidate": found.title,
        "status": _status(found),
        "NLL": f"{measured.nll:.4f}" if measured else "",
        "NLL calibrated": "" if found.served_nll is None else f"{found.served_nll:.4f}",
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
    """Index of the trained candidate with the lowest calibration NLL as served, the first of equals.

    Raises `RatchetError` with every reason when none was trained.
    """
    trained = [(result.served_nll, result.index) for result in candidates if result.served_nll is not None]
    if not trained:
        reasons = " ".join(f"{result.title}: {result.reason}" for result in candidates)
        raise RatchetError(f"no candidate could be trained. {reasons}", code="no_candidate")
    return min(trained)[1]


def weights_digest(folder: Path) -> str:
    """The digest of an adapter folder's content, 64 hex digits; raises `RatchetError` where it is no adapter folder."""
    return form.content_digest(read_folder(folder))


def read_result(work: Path) -> TrainingResult:
    """The result of a work folder, after every reported digest was compared with the files.

    Raises `RatchetError` where there is no result, it belongs to another plan, or any weights differ from those
    reported.
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
    plan = read_plan(work)
    if result.plan != plan.digest or len(candidates) != len(plan.candidates):
        raise _refuse(f"{path} is the result of another plan.")
    for found in candidates:
        check_result(work, found)
    if result.best != choose_best(candidates):
        raise _refuse(f"{path} names candidate {result.best} as best, which its own figures deny.")
    return result


@contextmanager
def explain_failure(work: Path) -> Iterator[None]:
    """When the training that is run in here fails, raise the sentence that its supervisor left, if it left one."""
    (work / FAILURE).unlink(missing_ok=True)
    try:
        yield
    except Exception as error:
        if not (work / FAILURE).is_file():
            raise
        told = json.loads((work / FAILURE).read_bytes())["error"]
        raise RatchetError(told["message"], told["hint"], code=told["code"]) from error


def check_result(work: Path, found: CandidateResult) -> None:
    """Raise `RatchetError` when a trained candidate's files are not those that its figures were reported for."""
    if found.status == "failed":
        return
    if found.folder != f"candidate-{found.index}/adapter" or found.status != "trained":
        raise _refuse(f"candidate {found.index} is {found.status!r} in {found.folder!r}.")
    if weights_digest(work / found.folder) != found.weights_digest:
        raise _refuse(f"the weights of candidate {found.index} differ from those that were reported.")


def _refuse(found: str) -> RatchetError:
    return RatchetError(found, "Remove the work folder and run the cycle again.", code="bad_result")
