"""Bodies of the review's JSON, with descriptions and bounds: the same requests as the page, for programs with a key.

Add a field here; what becomes of it is in `steps.py`. Nothing here ever holds what the model answered.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, model_validator

from gateway.schemas import Id, LabelName, Strict
from ratchet.data.records import MAX_NOTE_CHARS
from ratchet.review.notes import clean_note

SECONDS_AT_MOST = 86_400.0


Note = Annotated[str, Field(max_length=MAX_NOTE_CHARS), AfterValidator(clean_note)]


class ReviewAnswer(Strict):
    """A person's answer on one queued request: a label, or an answer in place of one."""

    request_id: Id
    label: LabelName | None = Field(None, description="The right label; null with `answer`.")
    answer: Literal["none", "cannot_tell", "withdrawn"] | None = Field(
        None, description="No label fits, it cannot be decided, or the earlier answer is withdrawn."
    )
    note: Note = Field("", description="A sentence for who adjudicates.")
    seconds: float | None = Field(
        None, ge=0, le=SECONDS_AT_MOST, allow_inf_nan=False, description="Seconds that the answer took."
    )

    @model_validator(mode="after")
    def _label_or_answer(self) -> "ReviewAnswer":
        if (self.label is None) == (self.answer is None):
            raise ValueError("give either a label or an answer (none, cannot_tell, withdrawn)")
        return self


class ReviewSkip(Strict):
    """The request in front of the person, which goes to another one."""

    request_id: Id


class ReviewUndo(Strict):
    """An empty object: the last answered request comes back."""


class GivenLabel(BaseModel):
    """Label that was given before, on a request that is adjudicated; the people are not named."""

    label: str
    note: str


class QueuedItem(BaseModel):
    """One request in front of a person, without what the model answered."""

    request_id: str
    batch: str
    text: str
    reasons: list[str] = Field(description="Sentences that say why it is asked; empty where they would tell an answer.")
    position: int
    of: int
    conflict: list[GivenLabel] = Field(description="The labels that differ, where the request is adjudicated.")


class ReviewedBatch(BaseModel):
    """Outcome of a batch, after its last item."""

    batch: str
    answered: int
    checks: int = Field(description="Answers on requests that were agreed already, mixed in unmarked.")
    agreed: int = Field(description="Number of these that are as it was agreed.")


class NextItem(BaseModel):
    """Next item, or the result of the batch that is done; both null where nothing waits for this person."""

    item: QueuedItem | None
    result: ReviewedBatch | None


class Answered(NextItem):
    """Acknowledgement of an answer, which is on disk, with what comes next."""

    request_id: str
    stored: Literal[True] = True


class WaitingCount(BaseModel):
    """Reason, the requests that wait for it, and the time of the oldest."""

    reason: str
    meaning: str
    items: int
    oldest: str


class ReviewLabel(BaseModel):
    """Label with its key on the keyboard and its meaning."""

    name: str
    key: str
    description: str
    guide: str


class ReviewState(BaseModel):
    """Requests that wait for review of one classifier, by reason, and its labels."""

    name: str
    waiting: list[WaitingCount]
    labels: list[ReviewLabel]
    guide: str


class ReviewList(BaseModel):
    """Classifiers that the key may review."""

    classifiers: list[ReviewState]
