"""A lesson: what a frontier model said of training texts, in the rows that a candidate's teacher is read from.

Add here which answers teach. How texts are asked is `client.py`, how the rows are read `ratchet/training/teacher.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.core.errors import UsageError
from ratchet.models.frontier.response import FrontierAnswer

MADE_BY = "asked_of"
"""Key of a row that names the model: a file without it was written by somebody else."""


@dataclass(frozen=True)
class SoftLabels:
    """Rows for the texts that have probabilities, and how many have none, by the reason."""

    rows: tuple[dict[str, Any], ...]
    unanswered: int
    unusable: int
    without_probabilities: int

    @property
    def left_out(self) -> int:
        """Texts without a row: they are learned by their label alone."""
        return self.unanswered + self.unusable + self.without_probabilities


def make_soft_labels(
    texts: Sequence[str],
    answers: Sequence[FrontierAnswer | None],
    labels: Sequence[str],
    model: str,
    one_hot: float | None,
) -> SoftLabels:
    """The lesson of `answers` to `texts`; `labels` are in the order of the codes.

    An answer without log-probabilities becomes `one_hot` for its label, the rest shared out among the others, where
    that is given; it is left out otherwise, for it says nothing of how sure the model was.
    """
    rows, unanswered, unusable, without = [], 0, 0, 0
    for text, answer in zip(texts, answers, strict=True):
        if answer is None:
            unanswered += 1
        elif answer.label is None:
            unusable += 1
        elif (shares := answer.probabilities or _smooth(answer.label, len(labels), one_hot)) is None:
            without += 1
        else:
            rows.append({"text": text, "probabilities": dict(zip(labels, shares, strict=True)), MADE_BY: model})
    return SoftLabels(tuple(rows), unanswered, unusable, without)


def need_one_hot(share: float, k: int) -> None:
    """Raise `UsageError` unless `share` prefers one of `k` labels and leaves something to the others."""
    if not 1 / k < share < 1:
        raise UsageError(
            f"a share of {share:g} is outside {1 / k:.3g}..1.",
            "Use 0.9: what a model that is nearly sure would say.",
            code="bad_share",
        )


def _smooth(label: int, k: int, share: float | None) -> tuple[float, ...] | None:
    if share is None:
        return None
    return tuple(share if place == label else (1 - share) / (k - 1) for place in range(k))
