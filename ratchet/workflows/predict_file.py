"""Prediction of a whole file: its rows in, the same rows with an answer out.

Add here what a row may look like. Files of every form that intake takes are read by `ratchet/storage/row_files/`; what
answers is `ratchet/models/inference/predictor.py`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.core.blank_text import is_blank
from ratchet.models.inference.predictor import Predictor
from ratchet.storage.row_files.rows import FileRow, text_of, value_named

BLOCK = 1024
"""Rows answered at once: enough to fill batches, few enough to keep memory flat."""
_ANSWER = ("label", "confidence", "probabilities")


@dataclass(frozen=True)
class BadRow:
    """A line that could not be answered."""

    line: int
    reason: str
    part: str = ""
    """Name of its file, where several were given as one."""


def predict_rows(
    predictor: Predictor, rows: Iterable[FileRow], max_chars: int, column: str = "text"
) -> Iterator[dict[str, Any] | BadRow]:
    """Yield for each row, in order, its values with label, confidence and probabilities, or why not.

    `column` holds the text. Values of the row are kept; an earlier `label`, `confidence` or `probabilities` is kept as
    `given_label` and so on, or under the first such name that the row does not have.
    """
    block: list[tuple[Mapping[str, Any], str] | BadRow] = []
    for row in rows:
        block.append(_read(row, max_chars, column))
        if len(block) == BLOCK:
            yield from _answer(predictor, block)
            block = []
    yield from _answer(predictor, block)


def _answer(
    predictor: Predictor, block: list[tuple[Mapping[str, Any], str] | BadRow]
) -> Iterator[dict[str, Any] | BadRow]:
    result = predictor.predict([row[1] for row in block if not isinstance(row, BadRow)])
    answers = iter(zip(result.labels, result.confidence.tolist(), result.probabilities.tolist(), strict=True))
    for row in block:
        if isinstance(row, BadRow):
            yield row
            continue
        label, confidence, probabilities = next(answers)
        spread = dict(zip(predictor.labels, probabilities, strict=True))
        yield {**keep_given(row[0]), "label": label, "confidence": confidence, "probabilities": spread}


def keep_given(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row whose values under the names of an answer have names of their own, so that none is overwritten."""
    names = set(row)
    given: dict[str, Any] = {}
    for key, value in row.items():
        name, number = key, 1
        if key in _ANSWER:
            name = f"given_{key}"
            while name in names:
                number += 1
                name = f"given_{key}_{number}"
            names.add(name)
        given[name] = value
    return given


def _read(row: FileRow, max_chars: int, column: str) -> tuple[Mapping[str, Any], str] | BadRow:
    text = text_of(value_named(row.values, column)[1])
    reason = row.reason
    if reason or text is None:
        how = "or name its column with --map text=theirs; the first line of a CSV names the columns"
        reason = reason or f'has no {column}; write {{"text": "..."}}, {how}'
    elif is_blank(text):
        reason = "has an empty text"
    elif len(text) > max_chars:
        reason = f"has a text of {len(text)} characters, more than max_text_chars = {max_chars}"
    if reason or text is None:
        return BadRow(row.line, reason, row.part)
    return row.values, text
