"""Teachers: probabilities that a candidate learns from beside its labels, and the reader of a file of them.

A teacher answers training examples only; nothing is evaluated against its answers. Add here other kinds of teachers and
how their answers become goals. `ratchet/training/teacher_targets.py` queries a teacher,
`ratchet/workflows/teacher_sources.py` finds it.
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

_OFF = 0.01  # from a sum of 1: frontier models round their probabilities
LEAST_SHARE = 0.5
"""Least share of training texts that must have an answer."""


def read_teacher_answers(path: Path, labels: Sequence[str]) -> dict[str, list[float]]:
    """Read a JSONL or Parquet file with `text` and `probabilities`; return probabilities by text, in order of `labels`.

    Texts are trimmed and redacted as training examples are. Raises `RatchetError`, naming the row, for labels other
    than `labels`, for numbers that are not probabilities, and for two different answers to one text.
    """
    result: dict[str, list[float]] = {}
    for number, row in enumerate(_rows(path), start=1):
        where = f"{path.name} row {number}"
        text = row.get("text") if isinstance(row, dict) else None
        shares = _as_mapping(row.get("probabilities")) if isinstance(row, dict) else None
        if not isinstance(text, str) or not text.strip() or shares is None:
            raise _refuse(f"{where} is not an answer.", 'Write {"text": "...", "probabilities": {"label": 0.9, ...}}.')
        if set(shares) != set(labels):
            odd = sorted(set(shares) ^ set(labels))
            raise _refuse(
                f"{where} has other labels than the classifier: {odd[0]!r} is in one of them only.",
                f"Give a probability for each of {', '.join(labels)}, and for nothing else.",
            )
        values = [shares[label] for label in labels]
        if not all(_is_share(value) for value in values) or abs(math.fsum(values) - 1) > _OFF:
            raise _refuse(
                f"{where} has numbers that are not probabilities.", "Give numbers from 0 to 1 that add up to 1."
            )
        whole = math.fsum(values)
        answer = [value / whole for value in values]
        # redaction may make two texts one, which then needs one answer
        if result.setdefault(redact(text), answer) != answer:
            raise _refuse(f"{where} repeats the text of an earlier row with another answer.", "Keep one of the two.")
    return result


def match_answers(answers: Mapping[str, Sequence[float]], texts: Sequence[str], labels: Sequence[str]) -> "Floats":
    """Return the answers to `texts`, float64 [n, k]; NaN in rows of texts without one.

    Raises `RatchetError` where fewer than half of the texts have an answer: the file is then of other data.
    """
    missing = [math.nan] * len(labels)
    result = np.array([answers.get(text, missing) for text in texts], dtype=np.float64).reshape(len(texts), len(labels))
    known = int((~np.isnan(result[:, 0])).sum())
    if known < LEAST_SHARE * len(texts):
        raise _refuse(
            f"the teacher answers {known} of {len(texts)} training texts.",
            "Give it the texts of this cycle's training split, as 'ratchet teach' does; at least half of them need an"
            " answer.",
        )
    return result


def make_goals(targets: "Integers", answers: "Floats", weight: float, temperature: float) -> "Floats":
    """Return soft targets in place of class indices `targets` [n]: float64 [n, k], rows sum to 1.

    They are `weight` parts of the teacher's answer [n, k], softened by `temperature` (above 1 flatter, below 1
    sharper), and the label for the rest; without an answer (NaN) they are the label alone.
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
            raise _refuse(f"{path.name} is not a Parquet file ({type(error).__name__}).", "Write it again.") from None
        return rows
    rows = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            rows += [json.loads(line)] if line.strip() else []
        except (ValueError, RecursionError):
            raise _refuse(f"{path.name} line {number} is not JSON.", "Write one JSON object per line.") from None
    return rows


def _as_mapping(value: Any) -> dict[str, Any] | None:
    """Probabilities by label; a map column of Parquet comes as pairs."""
    if isinstance(value, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        value = dict(value)
    return value if isinstance(value, dict) else None


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _refuse(message: str, hint: str) -> RatchetError:
    return RatchetError(message, hint, code="bad_teacher")
