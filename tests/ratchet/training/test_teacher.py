"""A file of a teacher's answers is read strictly, and answers become goals that add up."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ratchet.core.errors import RatchetError
from ratchet.training.teacher import make_goals, match_answers, read_teacher_answers

LABELS = ("card", "money")
GOOD = [
    {"text": " where is my card ", "probabilities": {"money": 0.2, "card": 0.8}},
    {"text": "write to jo@example.com", "probabilities": {"card": 0.301, "money": 0.7}},
]


def write(folder: Path, rows: list[Any]) -> Path:
    """A JSONL file of answers."""
    path = folder / "frontier.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n")
    return path


def test_answers_come_in_the_order_of_the_labels(tmp_path: Path) -> None:
    """Texts are trimmed and redacted as training examples are; small misses of the sum are mended."""
    found = read_teacher_answers(write(tmp_path, GOOD), LABELS)
    assert found["where is my card"] == [0.8, 0.2]
    assert found["write to [EMAIL]"] == pytest.approx([0.301 / 1.001, 0.7 / 1.001])


@pytest.mark.parametrize(
    "kind", [pa.struct([(label, pa.float64()) for label in LABELS]), pa.map_(pa.string(), pa.float64())]
)
def test_parquet_says_the_same(tmp_path: Path, kind: pa.DataType) -> None:
    """With a struct or a map."""
    said = [row["probabilities"] for row in GOOD]
    column = said if pa.types.is_struct(kind) else [list(answer.items()) for answer in said]  # type: ignore[attr-defined]
    table = pa.table({"text": [row["text"] for row in GOOD], "probabilities": pa.array(column, kind)})
    pq.write_table(table, tmp_path / "frontier.parquet")
    assert read_teacher_answers(tmp_path / "frontier.parquet", LABELS) == read_teacher_answers(
        write(tmp_path, GOOD), LABELS
    )


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"text": "x"}, "row 3 is not an answer"),
        ({"text": " ", "probabilities": {"card": 1.0, "money": 0.0}}, "row 3 is not an answer"),
        (["x"], "row 3 is not an answer"),
        ({"text": "x", "probabilities": {"card": 1.0}}, "other labels than the classifier: 'money'"),
        (
            {"text": "x", "probabilities": {"card": 0.5, "money": 0.4, "rate": 0.1}},
            "other labels than the classifier: 'rate'",
        ),
        ({"text": "x", "probabilities": {"card": 0.5, "money": 0.4}}, "not probabilities"),
        ({"text": "x", "probabilities": {"card": 1.5, "money": -0.5}}, "not probabilities"),
        ({"text": "x", "probabilities": {"card": True, "money": 0}}, "not probabilities"),
        ({"text": "x", "probabilities": {"card": "1", "money": 0}}, "not probabilities"),
        (
            {"text": "where is my card", "probabilities": {"card": 1.0, "money": 0.0}},
            "repeats the text of an earlier row",
        ),
    ],
)
def test_what_is_no_answer_is_refused_with_its_row(tmp_path: Path, row: Any, said: str) -> None:
    """One bad row is enough: a teacher that is half understood teaches anything."""
    with pytest.raises(RatchetError, match=said) as told:
        read_teacher_answers(write(tmp_path, [*GOOD, row]), LABELS)
    assert (told.value.code, bool(told.value.hint)) == ("bad_teacher", True)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    """NaN is no JSON number that anyone may mean, and Parquet is Parquet."""
    path = write(tmp_path, GOOD)
    path.write_text(path.read_text().replace("0.8", "NaN"))
    with pytest.raises(RatchetError, match="not probabilities"):
        read_teacher_answers(path, LABELS)
    path.write_text("{")
    with pytest.raises(RatchetError, match="line 1 is not JSON"):
        read_teacher_answers(path, LABELS)
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(RatchetError, match="is not a Parquet file"):
        read_teacher_answers(tmp_path / "x.parquet", LABELS)


def test_texts_without_an_answer_keep_their_label_and_too_many_are_refused() -> None:
    """Half of the texts must be known: else the file is of other data."""
    answers = {"a": [0.9, 0.1], "b": [0.4, 0.6]}
    found = match_answers(answers, ["a", "other", "b"], LABELS)
    assert np.isnan(found[1]).all()
    goals = make_goals(np.array([1, 1, 0]), found, 0.5, 1.0)
    assert goals.tolist() == pytest.approx(np.array([[0.45, 0.55], [0.0, 1.0], [0.7, 0.3]]))
    with pytest.raises(RatchetError, match="answers 1 of 3 training texts"):
        match_answers({"a": [0.9, 0.1]}, ["a", "c", "d"], LABELS)


def test_temperature_and_weight_do_what_they_say() -> None:
    """Above 1 flatter, below 1 sharper, weight 1 no label at all; rows always add up to 1."""
    answers, targets = np.array([[0.9, 0.1], [0.0, 1.0]]), np.array([1, 1])
    flat, plain, sharp = (make_goals(targets, answers, 1.0, temperature)[0, 0] for temperature in (4.0, 1.0, 0.5))
    assert plain == pytest.approx(0.9)
    assert 0.5 < flat < plain < sharp < 1
    for weight in (0.1, 0.5, 1.0):
        assert make_goals(targets, answers, weight, 2.0).sum(axis=1) == pytest.approx([1.0, 1.0])


@pytest.mark.parametrize("temperature", [1e-3, 1e-320])
def test_a_tiny_temperature_leaves_the_likeliest_label(temperature: float) -> None:
    """Where every power of a probability would be too small for a number, and be divided by nothing."""
    answers = np.array([[0.4, 0.6], [0.5, 0.5], [0.0, 1.0]])
    goals = make_goals(np.array([0, 0, 0]), answers, 1.0, temperature)
    assert goals.tolist() == [[pytest.approx(0.0), pytest.approx(1.0)], [0.5, 0.5], [0.0, 1.0]]
