"""Teachers: whose probabilities a candidate learns from beside its labels, and how a file of them is read.

A teacher speaks of training examples only; nothing is ever judged by what it says. Add here what a teacher may be and
how its answers become goals. When it is asked is `ratchet/training/teacher_targets.py`, where it lies is
`ratchet/workflows/teacher_sources.py`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.core.errors import RatchetError
from ratchet.data.redaction import redact

if TYPE_CHECKING:
    from ratchet.metrics.classification import Floats, Integers

_OFF = 0.01  # by which probabilities may miss a sum of 1: frontier models and rounding
LEAST_SHARE = 0.5
"""Of the training texts, that must have an answer."""


def read_teacher_answers(path: Path, labels: Sequence[str]) -> dict[str, list[float]]:
    """Probabilities by text, columns in the order of `labels`, of a JSONL or Parquet file with `text` and
    `probabilities`.

    Texts are trimmed and redacted as training examples are. Raises `RatchetError`, naming the row, for labels that are
    not exactly those asked for, for numbers that are no probabilities, and for two different answers to one text.
    """
    result: dict[str, list[float]] = {}
    for number, row in enumerate(_rows(path), start=1):
        where = f"{path.name} row {number}"
        text = row.get("text") if isinstance(row, dict) else None
        said = _as_mapping(row.get("probabilities")) if isinstance(row, dict) else None
        if not isinstance(text, str) or not text.strip() or said is None:
            raise _refuse(f"{where} is no answer.", 'Write {"text": "...", "probabilities": {"label": 0.9, ...}}.')
        if set(said) != set(labels):
            odd = sorted(set(said) ^ set(labels))
            raise _refuse(
                f"{where} has other labels than the classifier: {odd[0]!r} is in one of them only.",
                f"Give a probability for each of {', '.join(labels)}, and for nothing else.",
            )
        values = [said[label] for label in labels]
        if not all(_is_share(value) for value in values) or abs(math.fsum(values) - 1) > _OFF:
            raise _refuse(
                f"{where} holds numbers that are no probabilities.", "Give numbers from 0 to 1 that add up to 1."
            )
        whole = math.fsum(values)
        answer = [value / whole for value in values]
        if result.setdefault(redact(text), answer) != answer:
            raise _refuse(f"{where} gives a text another answer than a row before it.", "Keep one of the two.")
    return result


def match_answers(answers: Mapping[str, Sequence[float]], texts: Sequence[str], labels: Sequence[str]) -> "Floats":
    """The answers to `texts`, float64 [n, k]; NaN in the rows of texts without one.

    Raises `RatchetError` when fewer than half of the texts have an answer: then the file is of other data.
    """
    missing = [math.nan] * len(labels)
    result = np.array([answers.get(text, missing) for text in texts], dtype=np.float64).reshape(len(texts), len(labels))
    known = int((~np.isnan(result[:, 0])).sum())
    if known < LEAST_SHARE * len(texts):
        raise _refuse(
            f"the teacher answers {known} of {len(texts)} training texts.",
            "Give it the texts of this cycle's training split, as 'ratchet teach' does; half of them at least must have"
            " an answer.",
        )
    return result


def make_goals(targets: "Integers", answers: "Floats", weight: float, temperature: float) -> "Floats":
    """What to learn instead of class indices `targets` [n]: float64 [n, k], rows sum to 1.

    `weight` of it is the teacher's answer [n, k], softened by `temperature` (above 1 flatter, below 1 sharper), the
    rest the label; where the teacher said nothing (NaN), all of it is the label.
    """
    n, k = answers.shape
    hard = np.zeros((n, k))
    hard[np.arange(n), targets] = 1.0
    # a zero stays one, and a small temperature leaves the likeliest label
    with np.errstate(divide="ignore", over="ignore"):
        logs = np.log(answers)
        soft = np.exp((logs - logs.max(axis=1, keepdims=True)) / temperature)
    soft /= soft.sum(axis=1, keepdims=True)
    return np.where(np.isnan(answers), hard, (1.0 - weight) * hard + weight * soft)


def _rows(path: Path) -> list[Any]:
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            rows: list[Any] = pq.read_table(path).to_pylist()
        except (pa.ArrowException, OSError) as error:
            raise _refuse(f"{path.name} is no Parquet file ({type(error).__name__}).", "Write it again.") from None
        return rows
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            rows += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):
            raise _refuse(f"{path.name} line {number} is no JSON.", "Write one JSON object a line.") from None
    return rows


def _as_mapping(said: Any) -> dict[str, Any] | None:
    """Probabilities by label; a map column of Parquet comes as pairs."""
    if isinstance(said, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in said):
        said = dict(said)
    return said if isinstance(said, dict) else None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _refuse(found: str, cure: str) -> RatchetError:
    return RatchetError(found, cure, code="bad_teacher")
