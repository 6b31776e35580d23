"""Bodies of Text Embeddings Inference's classification routes, as its clients send and read them.

Add here a field that those clients send; its use is in `tei.py`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestError
from gateway.schemas import Strict, Text

_Single = Annotated[list[Text], Field(min_length=1, max_length=2)]
_Batch = Annotated[list[Annotated[list[Text], Field(min_length=1, max_length=2)]], Field(min_length=1, max_length=1024)]


class Predict(Strict):
    """One text, or a batch of lists with one text each. Two texts in one list are a pair, which is rejected here."""

    inputs: Text | _Single | _Batch
    raw_scores: bool = Field(False, description="Natural logarithms of the probabilities instead of the probabilities.")
    truncate: bool | None = Field(
        None, description="Accepted and ignored: a text is always cut to what the model reads."
    )
    truncation_direction: Literal["Right", "right"] = Field("Right", description="Texts are cut at their end only.")

    def texts(self) -> tuple[list[str], bool]:
        """Return the texts, and True if they came as a batch; raises `RequestError` for a pair."""
        if isinstance(self.inputs, str):
            return [self.inputs], False
        rows = [each for each in self.inputs if isinstance(each, list)]
        pairs = len(rows) < len(self.inputs) and len(self.inputs) > 1
        if pairs or any(len(row) > 1 for row in rows):
            raise RequestError(
                422, "bad_body", "inputs: pairs of texts cannot be classified.", 'A batch is [["one"], ["two"]].'
            )
        return [row[0] for row in rows] or [str(self.inputs[0])], bool(rows)


class Prediction(BaseModel):
    """One label and its score."""

    label: str
    score: float


class ErrorResponse(BaseModel):
    """Body of an error."""

    error: str
    error_type: Literal["Validation", "Tokenizer", "Overloaded", "Unhealthy", "Backend"]


class _Labels(BaseModel):
    id2label: dict[str, str]
    label2id: dict[str, int]


class _Model(BaseModel):
    classifier: _Labels


class Info(BaseModel):
    """Default classifier, and the limits on a request."""

    model_config = ConfigDict(protected_namespaces=())

    model_id: str = Field(description="The classifier.")
    model_sha: str = Field(description="Digest of the live adapter.")
    model_dtype: str
    model_type: _Model
    max_concurrent_requests: int = Field(description="Texts that may wait; above that, the answer is 429.")
    max_input_length: int = Field(description="Tokens of a text that the model reads.")
    max_batch_tokens: int
    max_batch_requests: int
    max_client_batch_size: int = Field(description="Texts that one request may hold.")
    auto_truncate: bool
    tokenization_workers: int
    version: str
