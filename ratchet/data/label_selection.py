"""Selection of the requests that are labelled: weeks whose labels are not like the others, and never speak for them.

A log of corrections often holds errors alone. Labels of such requests train well, but whoever is compared by them looks
better than live, however bad it is: live was wrong on every one. Add here another sign that the labelled requests were
chosen by what was answered. `ratchet/storage/rollout/shadow_pairs.py` leaves such weeks out of a rollout's evidence.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ratchet.data.consensus import CONSENSUS_SQL

LEAST_LABELS = 10
LEAST_SHARE = 0.1
"""Blind labels from which on a week, or several small ones together, is judged, and the share of them that must confirm
what was served. Ten labels drawn at random contradict a live adapter that is right half of the time, all of them, in
fewer than one week of a thousand."""

SELECTION_SQL = f"""
SELECT truth.week, count(*) AS blind,
       count(*) FILTER (truth.label = logs.label OR list_contains(logs.parts, truth.label)) AS confirming
FROM ({CONSENSUS_SQL}) truth JOIN read_logs logs USING (request_id)
WHERE truth.blind AND truth.drawn AND logs.classifier = $classifier GROUP BY truth.week ORDER BY truth.week
"""
"""Blind consensus labels of each week up to `week`, and how many of them confirm what was served.

Requests that the review queue chose for their value are known to be unlike the others, and left out.
"""


@dataclass(frozen=True)
class LabelSelection:
    """Number of blind labels, and of those that confirm what was served; `week` is empty for labels of several."""

    blind: int
    confirming: int
    week: str = ""

    @property
    def is_one_sided(self) -> bool:
        """True where the labelled requests are not like the others."""
        return self.blind >= LEAST_LABELS and self.is_of_errors

    @property
    def is_of_errors(self) -> bool:
        """True where hardly any label confirms what was served, however few there are: a gate may not blame them."""
        return self.confirming < LEAST_SHARE * self.blind

    @property
    def sentence(self) -> str:
        """The finding, in words; empty where there is none."""
        if not self.is_one_sided:
            return ""
        of = f" of the week {self.week}" if self.week else ""
        return describe_selection(self.blind, self.confirming, of)


def count_confirming(pairs: Iterable[tuple[str, object, int]]) -> LabelSelection:
    """Count rows of a label, the label that was served (None where that is not known) and their number."""
    known = [(label, served, n) for label, served, n in pairs if isinstance(served, str)]
    return LabelSelection(sum(n for *_, n in known), sum(n for label, served, n in known if label == served))


def find_small_errors(weeks: Sequence[LabelSelection]) -> list[LabelSelection]:
    """Return the weeks with too few labels to be judged, none of which confirms, where they are enough together.

    Small weeks with a confirming label are not counted in: a few honest ones would hide the others.
    """
    small = [week for week in weeks if week.blind < LEAST_LABELS and not week.confirming]
    return small if sum(week.blind for week in small) >= LEAST_LABELS else []


def left_out_weeks(weeks: Sequence[LabelSelection]) -> list[LabelSelection]:
    """Return the weeks whose labels count in no comparison."""
    small = find_small_errors(weeks)
    return [week for week in weeks if week.is_one_sided or week in small]


def describe_selection(labels: int, confirming: int, of: str = "", kind: str = "blind labels") -> str:
    """Return the sentence about labels that hardly ever confirm what was served."""
    return (
        f"labelled requests are not like the others: {confirming} of {labels} {kind}{of} confirm what was served,"
        " as where only errors are corrected; such labels train, but prove no candidate better."
        " Label requests that are drawn at random, too"
    )
