"""Difference between swapped labels and errors alone, in a week whose labels hardly ever confirm what was served.

A log of corrections holds the requests on which live was wrong, and a candidate that is like live is wrong on them,
too: every class looks contradicted, as it does where annotators swapped labels. Add here another sign that tells the
two apart; which classes are contradicted is decided in `golden_agreement.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

_MOST = 0.5
"""Share of the week's requests that labels must contradict before errors of live cannot be all that was labelled: live
would be wrong more often than right, and the golden set says otherwise."""


@dataclass(frozen=True)
class Blame:
    """Finding about contradicted classes: whether the labels are to blame, and the figures that it follows from."""

    swapped: bool
    labels: tuple[str, ...]
    """Labels that stand for each other in a closed circle."""
    contradicting: int
    requests: int
    """Requests of the week that were served one of `labels`, and labels that call one of them by its former label."""
    two_labels: bool

    @property
    def reason(self) -> str:
        """The finding, in a sentence."""
        alone = "Hardly any label confirms what was served, as where only errors are labelled"
        if self.two_labels:
            return (
                f"{alone}; with two labels that cannot be distinguished from swapped ones, so the week is held: look at"
                " its rows, then 'ratchet unquarantine', or label requests that are drawn at random, too."
            )
        if not self.labels:
            return f"{alone}, and no labels stand for each other: the labels are not blamed."
        count = f"{self.contradicting} of {self.requests} requests that were served {' or '.join(self.labels)}"
        if self.swapped:
            return f"{alone}, but errors are not so many: {count} have another of these labels now."
        return f"{alone}, and there are no more of them than live may have made ({count}): the labels are not blamed."

    def as_json(self) -> dict[str, Any]:
        """Return the figures, for the evidence."""
        return {**asdict(self), "labels": list(self.labels)}


def blame_labels(
    becomes: Mapping[str, str],
    tested: Sequence[tuple[str, object, int]],
    requests: Mapping[str, int],
    *,
    two_labels: bool,
) -> Blame:
    """Decide whether contradicted classes were swapped, or only errors were labelled.

    `becomes` is what the candidate mostly answers for each contradicted class, `tested` counts the labels with what was
    served for them, `requests` all requests of the week by served label. Labels that stand for each other (a for b and
    b for a, or a longer circle) are swapped where most requests that were served one of them are labelled as the next.
    With two labels every error has the form of a swap, and no other label shows which it is: the labels are blamed.
    """
    circle = find_circles(becomes)
    contradicting = sum(n for label, served, n in tested if label in circle and served == becomes[label])
    served = sum(requests.get(label, 0) for label in circle)
    swapped = two_labels or contradicting > _MOST * served
    return Blame(swapped, tuple(circle), contradicting, served, two_labels)


def find_circles(becomes: Mapping[str, str]) -> list[str]:
    """Return the labels that lie on a closed circle of the mapping, sorted; one that stands for itself does not."""
    left = {label for label, other in becomes.items() if other != label}
    while True:
        kept = {label for label in left if becomes[label] in left} & {becomes[label] for label in left}
        if kept == left:
            return sorted(left)
        left = kept
