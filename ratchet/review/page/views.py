"""Views of the review pages: everything that the templates show, ready to read.

Add here what a page shows; the figures come from `ratchet/workflows/review/queue.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ratchet.config.spec import Label
from ratchet.core.pages.frame import Frame
from ratchet.review.guide import Guide
from ratchet.review.label_keys import keys_of

DESCRIBED_AT_MOST = 12
"""Labels up to which their descriptions stand on the buttons; with more of them, they stand in the guide alone."""


@dataclass(frozen=True)
class ReviewFrame(Frame):
    """Frame of a page of the review."""

    base: str = ""
    """Way to the actions of the classifier, such as `tickets/`; empty on a page that lies beside them."""


@dataclass(frozen=True)
class Waiting:
    """One reason, and what waits for it."""

    reason: str
    items: int
    age: str


@dataclass(frozen=True)
class LabelButton:
    """One label as a button, with its part of the guide."""

    name: str
    key: str
    description: str
    guide: str
    inline: bool
    """True where the button holds the description."""


@dataclass(frozen=True)
class AnswerForm:
    """Fields that go with an answer: the request, when it was shown, and the proof of both; and what was typed."""

    request_id: str
    shown: int
    token: str
    note: str = ""
    chosen: str = ""
    """Label or answer that was sent before and could not be kept."""


@dataclass(frozen=True)
class Message:
    """A sentence above the page; its tone is `blocked`, `open` or `passed`."""

    title: str
    text: str = ""
    tone: str = "blocked"


def choices_of(labels: Sequence[Label], guide: Guide) -> tuple[LabelButton, ...]:
    """Return the buttons of the labels, in the order of the specification."""
    keys = keys_of([label.name for label in labels])
    inline = len(labels) <= DESCRIBED_AT_MOST
    return tuple(
        LabelButton(each.name, keys.get(each.name, ""), each.description, guide.by_label.get(each.name, ""), inline)
        for each in labels
    )


def write_age(since: datetime, now: datetime) -> str:
    """Return the time since `since` in its largest whole unit: `3 days`, `1 hour`, `under a minute`."""
    seconds = max(0, int((now - since).total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            number = seconds // length
            return f"{number:,} {unit}{'' if number == 1 else 's'}"
    return "under a minute"
