"""Estimates of training time: from earlier trainings of the same kind, else from measured speeds of each method.

Add a method's measured speed here, with the command. Earlier trainings are read in `ratchet/storage/past_trainings.py`;
the estimate of a whole cycle is in `ratchet/workflows/cycle_forecast.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ratchet.config.candidate import DEFAULT_BASES, Candidate
from ratchet.config.layer_choice import ALL

_COSTS = (
    "family",
    "base",
    "method",
    "trainer",
    "layers",
    "rank",
    "target_modules",
    "batch",
    "accumulate",
    "checkpointing",
    "max_tokens",
)
"""Settings that change the time per example; the number of epochs only scales it."""
_START_S = {"encoder": 8.0, "causal": 12.0}
"""Seconds from process start to the first step, plus those from the last epoch to the written adapter."""
_TEXTS_PER_S = {
    ("encoder", "lora"): 155.0,
    ("encoder", "dora"): 120.0,
    ("encoder", "full"): 29.0,
    ("encoder", "probe"): 122.0,
    ("causal", "lora"): 17.1,
    ("causal", "dora"): 14.9,
    ("causal", "qlora"): 12.6,
    ("causal", "full"): 2.8,
    ("causal", "sft lora"): 4.9,
    ("causal", "sft dora"): 2.4,
    ("causal", "sft qlora"): 4.8,
    ("causal", "sft full"): 0.8,
}
"""Training examples per second on two quiet cores: `lora` and `sft lora` by `make bench-encoder` and `make
bench-training`.

Each other method by its ratio to the `lora` of its family and trainer in one run of `python -m benchmarks.methods
--rows 50`. `sft` with `dora` and `full` was not measured: as much slower than `sft lora` as PEFT's own DoRA (`python -m
benchmarks.step`) and `full` are than `lora`.
"""
_UPPER = 1.84
"""Speed-up of `layers = "top:10"` of thirty layers, by `make bench-training`, three epochs."""
_PAIRS_PER_S = 0.7
"""Pairs per second of a preference pass; measured and scaled as the methods are."""
JUDGED_PER_S = {"encoder": 400.0, "causal": 7.0}
"""Answers per second by the serving path."""


@dataclass(frozen=True)
class PastTraining:
    """Seconds that an earlier training took for its examples and finished epochs, evaluation and writing included."""

    candidate: Candidate
    examples: int
    epochs: int
    seconds: float


@dataclass(frozen=True)
class TrainingTime:
    """Estimate for one candidate, and its source."""

    candidate: str
    """Title of the candidate."""
    seconds: float
    source: Literal["own", "measured", "measured on another base"]


def estimate_training(candidate: Candidate, train: int, judged: int, past: Sequence[PastTraining] = ()) -> TrainingTime:
    """Estimate the seconds of all epochs on `train` examples, each evaluated on `judged`, without early stopping.

    The newest training in `past` (newest first) of the same kind is scaled by examples and epochs. Without one, the
    speeds above are used; a preference pass is estimated as if every example gave a pair, the most it can take.
    """
    same = next((result for result in past if _kind(result.candidate) == _kind(candidate)), None)
    if same is not None:
        return TrainingTime(
            candidate.title, same.seconds * (train / same.examples) * (_epochs(candidate) / max(1, same.epochs)), "own"
        )
    family, epochs = candidate.family, 1 if candidate.method == "probe" else candidate.epochs
    seconds = _START_S[family] + epochs * (train / _speed(candidate) + judged / JUDGED_PER_S[family])
    if candidate.method == "dpo":
        seconds += (
            candidate.pass_epochs * (train / _PAIRS_PER_S + judged / JUDGED_PER_S[family])
            + train / JUDGED_PER_S[family]
        )
    usual = candidate.base == DEFAULT_BASES[family]
    return TrainingTime(candidate.title, seconds, "measured" if usual else "measured on another base")


def _speed(candidate: Candidate) -> float:
    method = "lora" if candidate.method == "dpo" else candidate.method
    by_trainer = f"sft {method}" if candidate.trainer == "sft" else method
    return _TEXTS_PER_S[candidate.family, by_trainer] * (1.0 if candidate.layers == ALL else _UPPER)


def _epochs(candidate: Candidate) -> int:
    if candidate.method == "probe":
        return 1
    return candidate.epochs + (candidate.pass_epochs if candidate.method == "dpo" else 0)


def _kind(candidate: Candidate) -> tuple[object, ...]:
    return (*(getattr(candidate, name) for name in _COSTS), candidate.dropout > 0, bool(candidate.teacher))
