"""Conclusions of a comparison with Label Studio, as values: votes to land, and what is known from now on.

Add a field here; the comparison is `sync.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ratchet.core.label_names import label_form
from ratchet.review.label_studio.sync_state import KnownAnnotation


@dataclass(frozen=True)
class StudioVote:
    """A correction to be: of a person, at the time of the server's change."""

    request_id: str
    annotator: str
    ts: str
    label: str | None
    answer: str | None
    saw_prediction: bool
    seconds: float | None
    note: str
    chosen: str
    batch: str

    def as_row(self) -> dict[str, Any]:
        """Return the row of `corrections`."""
        label = None if self.label is None else label_form(self.label)
        return {**vars(self), "label": label, "note": self.note or None, "batch": self.batch or None}


@dataclass(frozen=True)
class Differences:
    """Conclusions of one poll."""

    annotations: Mapping[str, KnownAnnotation]
    """Annotations that are new or changed, by name."""
    tasks: Mapping[int, str]
    """Request by task that was not known."""
    gone: tuple[int, ...]
    votes: tuple[StudioVote, ...]
    skips: tuple[tuple[str, str], ...]
    """Request and person."""
    cursor: str
    foreign: tuple[int, int] | None
    """Tasks and annotations of others; None where not everything was read."""
    unknown: tuple[str, ...] = ()
    """Users whose annotations wait to count, since nobody knows which person they are."""

    @property
    def changed(self) -> bool:
        """True where anything is to be written down."""
        return bool(self.annotations or self.tasks or self.gone)
