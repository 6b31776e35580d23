"""Answers are aligned to the specification's labels, whatever the scorer's own are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from ratchet.evaluation.evaluate import read_splits
from ratchet.evaluation.scoring import Split, score
from ratchet.metrics.calibration import UNCALIBRATED, Calibration, softmax
from ratchet.metrics.classification import Floats


@dataclass(frozen=True)
class Fixed:
    """Answers the same logits for each text."""

    labels: tuple[str, ...]
    row: tuple[float, ...]
    calibration: Calibration = UNCALIBRATED

    def logits(self, texts: Sequence[str]) -> Floats:
        """The row, once for each text."""
        return np.tile(np.array(self.row), (len(texts), 1))


SPLIT = Split("test", ("r1", "r2"), ("x", "y"), np.array([0, 2], dtype=np.int64))
P = softmax(np.array([[1.0, 2.0, 4.0]]))[0]


@pytest.mark.parametrize(
    ("own", "spec", "expected"),
    [
        ("abc", "abc", [P[0], P[1], P[2]]),
        ("abc", "cab", [P[2], P[0], P[1]]),
        ("abc", "abcd", [P[0], P[1], P[2], 0.0]),
        (("a", "b", "u\u0308"), ("a", "b", "\u00fc"), [P[0], P[1], P[2]]),
        (("a", "b", "\u00fc"), ("u\u0308", "b", "a"), [P[2], P[1], P[0]]),
        ("abc", "ab", [P[0] / (P[0] + P[1]), P[1] / (P[0] + P[1])]),
        ("abc", "dce", [0.0, 1.0, 0.0]),
        ("abc", "de", [0.5, 0.5]),
    ],
)
def test_columns_follow_the_specification(own: Sequence[str], spec: Sequence[str], expected: list[float]) -> None:
    """Another order, a new label, one taken away, another Unicode form, and nothing in common; every row sums to 1."""
    found = score(Fixed(tuple(own), (1.0, 2.0, 4.0)), SPLIT, tuple(spec))
    assert found.raw == pytest.approx(np.tile(expected, (2, 1)))
    assert found.calibrated == pytest.approx(found.raw)
    assert found.calibrated.sum(axis=1) == pytest.approx(1.0)


def test_an_adapter_reads_each_text_as_it_was_sent() -> None:
    """Examples are redacted by the newest rules: an adapter of before redacts the text itself, by its own."""
    read: list[str] = []

    class Reader(Fixed):
        """Remembers what it reads."""

        def logits(self, texts: Sequence[str]) -> Floats:
            """Remember the texts."""
            read.extend(texts)
            return super().logits(texts)

    frame = pd.DataFrame(
        {
            "split": ["test", "test"],
            "request_id": ["r1", "r2"],
            "text": ["call [PHONE]", "y"],
            "label": ["a", "c"],
            "as_sent": ["call 030/1234567", "y"],
        }
    )
    split = read_splits(frame, (), "abc")["test"]
    found = score(Reader(("a", "b", "c"), (1.0, 2.0, 4.0)), split, "abc")
    assert read == ["call 030/1234567", "y"]
    assert [row["text"] for row in found.rows("abc")] == ["call [PHONE]", "y"]


def test_the_calibration_changes_the_confidence_but_not_the_raw_answer() -> None:
    """Raw is at temperature 1, calibrated as served."""
    found = score(
        Fixed(("a", "b", "c"), (1.0, 2.0, 4.0), Calibration("temperature", 2.0, True, "")), SPLIT, ("a", "b", "c")
    )
    assert found.raw[0] == pytest.approx(P)
    assert found.calibrated[0] == pytest.approx(softmax(np.array([[0.5, 1.0, 2.0]]))[0])
    assert found.predicted.tolist() == [2, 2]


def test_every_item_is_recorded_so_that_figures_can_be_derived_again() -> None:
    """Names, truth, answer and all probabilities, as plain Python values."""
    rows = score(Fixed(("a", "b", "c"), (1.0, 2.0, 4.0)), SPLIT, ("a", "b", "c")).rows(("a", "b", "c"))
    assert [(r["split"], r["item"], r["text"], r["label"], r["predicted"]) for r in rows] == [
        ("test", "r1", "x", "a", "c"),
        ("test", "r2", "y", "c", "c"),
    ]
    assert rows[0]["confidence"] == max(rows[0]["probabilities"]) == pytest.approx(P[2])
    assert type(rows[0]["confidence"]) is float


MEANS: dict[str, tuple[dict[str, str], str, list[int] | None, list[list[float]]]] = {
    # what the labels a, b, c of live are now, labels of the specification, the candidate's answers, columns by row
    "renamed": ({"c": "n"}, "abn", None, [[P[0], P[1], P[2]]] * 2),
    "merged": ({"a": "b", "c": "b"}, "bd", None, [[1.0, 0.0]] * 2),
    "retired": ({"c": ""}, "ab", None, [[P[0] / (P[0] + P[1]), P[1] / (P[0] + P[1])]] * 2),
    "split, read as the true part": ({"c": "de"}, "abde", None, [[P[0], P[1], 0.0, P[2]], [P[0], P[1], P[2], 0.0]]),
    "split, read as the candidate's answer": (
        {"c": "de"}, "abde", [2, 0], [[P[0], P[1], P[2], 0.0], [P[0], P[1], P[2], 0.0]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", MEANS)
def test_answers_of_live_are_read_by_what_its_labels_are_called_now(case: str) -> None:
    """A rename moves a column, a merge adds them up, and a split is no difference between live and candidate."""
    means, spec, beside, expected = MEANS[case]
    split = Split("test", ("r1", "r2"), ("x", "y"), np.array([3, 2]) if "e" in spec else np.array([0, 1]))
    answers = None if beside is None else np.array(beside)
    found = score(Fixed(("a", "b", "c"), (1.0, 2.0, 4.0)), split, tuple(spec), means, answers)
    assert found.calibrated == pytest.approx(np.array(expected))
