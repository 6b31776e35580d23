"""Bodies of vLLM's classification route and its list of models, as its clients send and read them.

Add here a field that those clients send; its use is in `vllm.py`.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, Field

from gateway.errors import RequestError
from gateway.schemas import Id, Lenient, Text, UserId

_TokenIds = Annotated[list[int], Field(min_length=1, max_length=65_536, fail_fast=True)]
_BATCH = Field(min_length=1, max_length=1024, fail_fast=True)


def _refuse_token_ids(value: Any) -> Any:
    """Raise for a list that begins as token ids do, before its thousands of numbers are looked at one by one."""
    if isinstance(value, list) and value and isinstance(value[0], int | float | list):
        raise RequestError(400, "token_ids", "input: token ids cannot be classified here.", "Send the text itself.")
    return value


def _or_none(name: Any) -> Any:
    return None if name == "" else name


class Classify(Lenient):
    """One text or several, for the classifier `model`."""

    model: Annotated[Id | None, BeforeValidator(_or_none)] = Field(
        None, description="The classifier; if absent or empty, the default classifier."
    )
    input: Annotated[
        Text | Annotated[list[Text], _BATCH] | _TokenIds | Annotated[list[_TokenIds], _BATCH],
        BeforeValidator(_refuse_token_ids),
    ] = Field(
        description="One text or several. Token ids are rejected with 400: each adapter has a tokenizer of its own."
    )
    user: UserId = None
    request_id: Id | None = Field(None, description="Comes back in `id`; without it, ours does.")
    use_activation: bool | None = Field(
        None, description="False: `probs` holds natural logarithms of the probabilities instead of the probabilities."
    )
    activation: bool | None = Field(None, description="Former name of `use_activation`.")
    softmax: bool | None = Field(None, description="Former name of `use_activation`.")
    truncate_prompt_tokens: Annotated[int, Field(ge=-1, le=2**31 - 1)] | None = Field(
        None, description="Accepted and ignored: a text is always cut to what the model reads."
    )
    truncation_side: Literal["left", "right"] | None = Field(None, description="Accepted and ignored, likewise.")
    add_special_tokens: bool = Field(True, description="Accepted and ignored: the model gets the tokens it learned.")
    priority: int = Field(0, description="Accepted and ignored: keys take turns.")

    @property
    def raw(self) -> bool:
        """True where scores before the activation are wanted; the newest of the three names counts."""
        names = (self.use_activation, self.softmax, self.activation)
        return next((given for given in names if given is not None), True) is False

    def texts(self) -> list[str]:
        """Return the texts; token ids, which the document describes for its clients, never come this far."""
        return [self.input] if isinstance(self.input, str) else [each for each in self.input if isinstance(each, str)]


class Classification(BaseModel):
    """Classification of one text."""

    index: int
    label: str
    probs: list[float] = Field(
        description="Calibrated, in the order of the classifier's labels; they sum to 1, or are logarithms if asked."
    )
    num_classes: int


class Usage(BaseModel):
    """Number of tokens that the model read."""

    prompt_tokens: int
    total_tokens: int
    completion_tokens: Literal[0] = 0


class Classifications(BaseModel):
    """Answers to all texts, in their order."""

    id: str
    object: Literal["list"] = "list"
    created: int = Field(description="Seconds since 1970.")
    model: str
    data: list[Classification]
    usage: Usage


class Model(BaseModel):
    """One classifier that serves."""

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="Seconds since 1970, at the time of this request.")
    owned_by: Literal["ratchet"] = "ratchet"
    root: str = Field(description="Digest of the live adapter.")


class Models(BaseModel):
    """List of the classifiers that serve."""

    object: Literal["list"] = "list"
    data: list[Model]
