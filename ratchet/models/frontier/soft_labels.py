"""Soft labels: a frontier model's answers to training texts, as rows that a candidate is trained on.

Add here which answers become rows. The answers come from `client.py`, the rows are read by
`ratchet/training/teacher.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.core.errors import UsageError
from ratchet.models.frontier.response import FrontierAnswer

MADE_BY = "asked_of"
"""Key of a row that names the model; a file without it was not written by Ratchet."""


@dataclass(frozen=True)
class SoftLabels:
    """Rows for the texts that have probabilities, and the number of texts without, by the reason."""

    rows: tuple[dict[str, Any], ...]
    unanswered: int
    unusable: int
    without_probabilities: int

    @property
    def left_out(self) -> int:
        """Number of texts without a row, which are learned by their label alone."""
        return self.unanswered + self.unusable + self.without_probabilities


def make_soft_labels(
    texts: Sequence[str],
    answers: Sequence[FrontierAnswer | None],
    labels: Sequence[str],
    model: str,
    one_hot: float | None,
) -> SoftLabels:
    """Make the rows of `answers` to `texts`; `labels` are in the order of the codes.

    An answer without log-probabilities gives its label the share `one_hot`, and the others equal shares of the rest;
    where `one_hot` is None it is left out, since it does not show how sure the model was.
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
    """Raise `UsageError` unless `share` is above 1/k, for `k` labels, and below 1."""
    if not 1 / k < share < 1:
        raise UsageError(
            f"a share of {share:g} is not between {1 / k:.3g} and 1.",
            "Use 0.9, the share of a model that is nearly sure.",
            code="bad_share",
        )


def _smooth(label: int, k: int, share: float | None) -> tuple[float, ...] | None:
    if share is None:
        return None
    return tuple(share if place == label else (1 - share) / (k - 1) for place in range(k))
