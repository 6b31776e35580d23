"""Answers as files bring them, and what became of each row of such a file.

Add here another outcome of a row; how files are read is `ratchet/storage/review/answer_files.py`, what is taken is
`ratchet/workflows/review/import_answers.py`.
"""

from dataclasses import dataclass
from typing import Any, Final

ACCEPTED: Final = "accepted"
REPEATED: Final = "repeated"
SKIPPED: Final = "skipped"
BLANK: Final = "blank"
UNKNOWN_REQUEST: Final = "unknown request"
UNKNOWN_LABEL: Final = "unknown label"
NOT_ASKED: Final = "not asked"
BAD_ANSWER: Final = "bad answer"
NOT_LISTED: Final = "unknown person"
BY_SUSPENDED: Final = "suspended person"

OUTCOMES: Final = {
    ACCEPTED: "the answer is a correction now",
    REPEATED: "the same answer came before",
    SKIPPED: "another person is asked",
    BLANK: "the row holds no answer",
    UNKNOWN_REQUEST: "the review queue never held this request",
    UNKNOWN_LABEL: "the label is not one of classifier.toml",
    NOT_ASKED: "the request was asked of somebody else, or of nobody",
    BAD_ANSWER: "the row cannot be read as an answer",
    NOT_LISTED: "the person is not in [people]",
    BY_SUSPENDED: "labels of this person are not taken",
}
"""Meaning of each outcome, as people read it."""
REFUSED: Final = (UNKNOWN_REQUEST, UNKNOWN_LABEL, NOT_ASKED, BAD_ANSWER, NOT_LISTED, BY_SUSPENDED)


@dataclass(frozen=True)
class GivenAnswer:
    """One row of a file of answers."""

    place: str
    """Line or task of the file."""
    request_id: str
    annotator: str = ""
    """Name or mail address; empty for the user who imports."""
    label: str | None = None
    answer: str | None = None
    skipped: bool = False
    note: str = ""
    seconds: float | None = None
    saw_prediction: bool = False
    batch: str = ""
    problem: str = ""
    """Reason why the row cannot be read as an answer; empty where it can."""

    @property
    def is_blank(self) -> bool:
        """True where nothing was answered."""
        return self.label is None and self.answer is None and not self.skipped


@dataclass(frozen=True)
class RowOutcome:
    """Outcome of one row, with a sentence where it was refused."""

    place: str
    request_id: str
    outcome: str
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return JSON types."""
        return dict(vars(self))
