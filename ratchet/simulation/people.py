"""Simulated annotators and the simulated model in production: their errors and delays.

Add here how an annotator errs and which personal details a text may contain. The behaviour of users is in `traces.py`.
"""

import random
from dataclasses import dataclass

from ratchet.core.errors import RatchetError
from ratchet.simulation.ambiguity import HARD_PAIRS
from ratchet.simulation.traces import LABELS

_NEIGHBOURS = {
    label: [other for pair in HARD_PAIRS if label in pair for other in pair if other != label] for label in LABELS
}


def check_share(name: str, value: float) -> None:
    """Raise `RatchetError` when `value` is not between 0 and 1."""
    if not 0 <= value <= 1:
        raise RatchetError(
            f"{name} = {value} is outside 0..1.", f"Give {name} as a share, for instance 0.05.", code="bad_simulation"
        )


@dataclass(frozen=True)
class Annotator:
    """One annotator.

    `error_rate` and `anchoring` are shares; `mean_delay_hours` is the mean time between request and correction.
    """

    name: str
    error_rate: float
    saw_prediction: bool = False
    anchoring: float = 0.0
    """Share of wrongly served requests whose prediction an annotator who sees it repeats."""
    mean_delay_hours: float = 9.0

    def __post_init__(self) -> None:
        check_share(f"error_rate of {self.name}", self.error_rate)
        check_share(f"anchoring of {self.name}", self.anchoring)
        if not 0 < self.mean_delay_hours < 24 * 7:
            raise RatchetError(
                f"mean_delay_hours of {self.name} = {self.mean_delay_hours} is outside 0..168.",
                "Give hours between request and correction, for instance 9.",
                code="bad_simulation",
            )

    def judge(self, possible: tuple[str, ...], served: str, random: random.Random, lean: float = 0.5) -> str:
        """Return the annotator's label of a visit of one of the `possible` classes, when `served` was predicted.

        `lean` is the share of people who call a visit of two possible classes the first of them.
        """
        # Every draw is taken, needed or not: else the later ones of the same seed would depend on this label.
        truth = _choose(possible, lean, random)
        anchored, erring = random.random() < self.anchoring, random.random() < self.error_rate
        mistake = mistaken_label(truth, random)
        if self.saw_prediction and anchored:
            return served
        return mistake if erring else truth


def mistaken_label(truth: str, random: random.Random) -> str:
    """Return a label other than `truth`, more often one that is hard to tell from it."""
    near = _NEIGHBOURS[truth]
    if near and random.random() < 0.65:
        return random.choice(near)
    return random.choice([label for label in LABELS if label != truth])


def _choose(possible: tuple[str, ...], lean: float, random: random.Random) -> str:
    draw = random.random()
    return possible[0] if len(possible) == 1 or draw < lean else possible[1]


def answer_as_served(
    possible: tuple[str, ...], error_rate: float, random: random.Random, lean: float = 0.5
) -> tuple[str, float]:
    """Return label and confidence of production: wrong for a share `error_rate`, and then less confident on average."""
    truth = _choose(possible, lean, random)
    wrong = random.random() < error_rate
    label = mistaken_label(truth, random) if wrong else truth
    confidence = random.betavariate(5, 3) if wrong or len(possible) > 1 else random.betavariate(9, 2)
    return label, round(min(max(confidence, 1 / len(LABELS)), 0.9999), 4)


def personal_detail(random: random.Random) -> str:
    """Return an invented mail address at example.com, 555 phone, test card or address of 192.0.2.0/24."""
    way = random.randrange(4)
    if way == 0:
        word = random.choice(("visitor", "guest", "applicant", "customer"))
        return f"{word}{random.choice(('.', '_', ''))}{random.randint(1, 9999)}@example.com"
    if way == 1:
        area, last = random.choice((202, 212, 312, 415, 617)), random.randint(100, 199)
        return random.choice((f"{area}-555-0{last}", f"({area}) 555-0{last}", f"+1 {area}-555-0{last}"))
    if way == 2:
        return random.choice(("4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111"))
    return f"192.0.2.{random.randint(1, 254)}"
