"""Prediction of a whole file: rows of JSONL in, the same rows with an answer out.

Add here what a row may look like. What answers is `ratchet/models/inference/predictor.py`.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ratchet.core.strict_json import parse_strictly
from ratchet.models.inference.predictor import Predictor

BLOCK = 1024
"""Rows answered at once: enough to fill batches, few enough to keep memory flat."""
_ANSWER = ("label", "confidence", "probabilities")


@dataclass(frozen=True)
class BadRow:
    """A line that could not be answered."""

    line: int
    reason: str


def predict_lines(predictor: Predictor, lines: Iterable[bytes], max_chars: int) -> Iterator[dict[str, Any] | BadRow]:
    """Yield for each line that is not blank, in order, its row with label, confidence and probabilities, or why not.

    Keys of the row are kept; an earlier `label`, `confidence` or `probabilities` is kept as `given_label` and so on.
    """
    block: list[dict[str, Any] | BadRow] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            block.append(_read(number, line, max_chars))
        if len(block) == BLOCK:
            yield from _answer(predictor, block)
            block = []
    yield from _answer(predictor, block)


def _answer(predictor: Predictor, block: list[dict[str, Any] | BadRow]) -> Iterator[dict[str, Any] | BadRow]:
    rows = [row for row in block if isinstance(row, dict)]
    result = predictor.predict([row["text"] for row in rows])
    answers = iter(zip(result.labels, result.confidence.tolist(), result.probabilities.tolist(), strict=True))
    for row in block:
        if isinstance(row, BadRow):
            yield row
            continue
        label, confidence, probabilities = next(answers)
        given = {f"given_{key}" if key in _ANSWER else key: value for key, value in row.items()}
        spread = dict(zip(predictor.labels, probabilities, strict=True))
        yield {**given, "label": label, "confidence": confidence, "probabilities": spread}


def _read(number: int, line: bytes, max_chars: int) -> dict[str, Any] | BadRow:
    try:
        row = parse_strictly(line)
    except json.JSONDecodeError:
        return BadRow(number, "is not JSON")
    except RecursionError:
        return BadRow(number, "is not JSON: it is nested too deeply")
    except ValueError as error:
        return BadRow(number, f"is not strict JSON: {error}")
    text = row.get("text") if isinstance(row, dict) else None
    if not isinstance(text, str):
        return BadRow(number, 'has no text; write {"text": "..."}')
    if not text.strip():
        return BadRow(number, "has an empty text")
    if len(text) > max_chars:
        return BadRow(number, f"has a text of {len(text)} characters, more than max_text_chars = {max_chars}")
    return dict(row)
