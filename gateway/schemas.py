"""Bodies of requests and responses, with descriptions and bounds: the source of the OpenAPI document.

Bodies are parsed strictly from their bytes: what pydantic's JSON parser rejects (lone surrogates, NaN) never gets in.
Add a field here; its use is in `gateway/routes/classify.py` and `gateway/routes/feedback.py`.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ratchet.core.blank_text import is_blank
from ratchet.core.label_names import read_label
from ratchet.data.records import MAX_NAME_CHARS

MAX_TEXT_CHARS = 16 * 2**20
"""Characters of the largest body that a setting allows; `max_text_chars` of the classifier is the limit that counts."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _clean(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("control characters are not allowed")
    if is_blank(text):
        raise ValueError("the text is empty")
    return text


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("only printable characters are allowed")
    return name


Text = Annotated[
    str, Field(min_length=1, max_length=MAX_TEXT_CHARS, description="The text to classify."), AfterValidator(_clean)
]
Id = Annotated[str, Field(min_length=1, max_length=MAX_NAME_CHARS), AfterValidator(_printable)]


def _write_digits(name: Any) -> Any:
    """Return an integer as its digits, as intake takes annotators of a file."""
    return str(name) if isinstance(name, int) and not isinstance(name, bool) else name


def _read_label(value: Any) -> Any:
    label = read_label(value)
    return value if label is None else label


Name = Annotated[Id, BeforeValidator(_write_digits, json_schema_input_type=str | int)]
LabelName = Annotated[Id, BeforeValidator(_read_label, json_schema_input_type=str | int | bool)]
"""A label as every other door takes it: integers and truth values are their text, text is in Unicode NFC."""


def _name_user(user: Any) -> Any:
    """Return a number as its text, and None for an id that is blank: exports write 17, 17.0 and an empty field."""
    if isinstance(user, float) and user.is_integer() and abs(user) <= _MAX_EXACT:
        user = int(user)
    if isinstance(user, int | float) and not isinstance(user, bool):
        return str(user)
    return None if isinstance(user, str) and not user.strip() else user


_MAX_EXACT = 2.0**53
UserId = Annotated[
    Id | None,
    BeforeValidator(_name_user, json_schema_input_type=str | int | float | None),
    Field(
        description="Keeps a user in the same bucket of a rollout; a number counts as its text, a blank one as none."
    ),
]


class Strict(BaseModel):
    """Request body: unknown keys are rejected, types are never guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Lenient(BaseModel):
    """Request body of another server's clients: what that server ignores is ignored here, too."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Question(Strict):
    """One text, or several that are classified in the same way."""

    text: Text | None = None
    texts: Annotated[list[Text], Field(min_length=1, max_length=1024, fail_fast=True)] | None = Field(
        None, description="Several texts instead of one."
    )
    user_id: UserId = None


class Answer(BaseModel):
    """Classification of one text. The label is always one of the classifier's."""

    request_id: str = Field(description="Names this answer in feedback and corrections.")
    label: str
    confidence: float | None = Field(
        ge=0, le=1, description="Calibrated probability of the label; null on the edge path."
    )
    probabilities: dict[str, float] = Field(
        description="Calibrated, of every label; they sum to 1. Empty on the edge path, which gives only a label."
    )
    action: str = Field(description="The label's action if the confidence reaches its threshold, else `review`.")
    adapter: str = Field(description="Digest of the adapter that answered.")
    slot: Literal["live", "candidate"]
    path: Literal["calibrated", "edge"] = Field(
        description="The target that answered: `edge` for labels that need no confidence, if it has an edge target."
    )
    runtime: str = Field(
        description="The runtime: `in_process` for the adapter itself, else the export, such as `onnx_int8`."
    )


class Answers(BaseModel):
    """Answers to several texts, in their order."""

    answers: list[Answer]


class Feedback(Strict):
    """A user's verdict on an answer. It sends the request to review and never becomes a label by itself."""

    classifier: Id
    request_id: Id
    verdict: Literal["right", "wrong"]
    label: LabelName | None = Field(None, description="The label that the user thinks is right.")
    source: Id = Field("user", description="Where the feedback came from: a name under the key.")


class Correction(Strict):
    """A trusted annotator's label for one request. It becomes a label of the training data.

    In place of a label (`label` null or absent) `answer` says why there is none; it never becomes a label.
    """

    classifier: Id
    request_id: Id
    label: LabelName | None = Field(None, description="The right label; null with `answer`.")
    answer: Literal["none", "cannot_tell", "withdrawn"] | None = Field(
        None,
        description="In place of a label: no label fits, it cannot be decided, or the annotator takes their earlier"
        " correction of this request back.",
    )
    annotator: Name | None = Field(
        None, description="The key's person, or one that the key may speak for; default: the key's person."
    )
    saw_prediction: bool = Field(
        description="True if the annotator saw the served label: then the correction may train, but never evaluate. "
        "Recorded as true unless the key was made with --blind."
    )
    ts: datetime | None = Field(
        None,
        strict=False,
        description="RFC 3339 with a time zone; default: the time of arrival. A repeat with it is a no-op.",
    )

    @model_validator(mode="after")
    def _label_or_answer(self) -> "Correction":
        if (self.label is None) == (self.answer is None):
            raise ValueError("give either a label or an answer (none, cannot_tell, withdrawn)")
        return self


class Accepted(BaseModel):
    """Acknowledgement: the row is on disk."""

    request_id: str
    stored: Literal[True] = True


class Problem(BaseModel):
    """Reason of a request error, without what the request held."""

    code: str
    message: str
    hint: str = ""


class Refused(BaseModel):
    """Body of every request error."""

    error: Problem
