"""Bodies of Text Embeddings Inference's classification routes, and of the Hub's inference API, which has the same ones.

A body with `parameters` is the Hub's: there a list holds texts, and a text is answered as a list of one. Add here a
field that those clients send; its use is in `tei.py`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.errors import RequestError
from gateway.schemas import Lenient, Text

_Row = Annotated[list[Text], Field(min_length=1, max_length=2, fail_fast=True)]
_Texts = Annotated[list[Text], Field(min_length=1, max_length=1024, fail_fast=True)]
_Batch = Annotated[list[_Row], Field(min_length=1, max_length=1024, fail_fast=True)]


class Parameters(Lenient):
    """Parameters of the Hub's inference API for text classification."""

    top_k: Annotated[int, Field(ge=1)] | None = Field(None, description="Most labels of an answer; default: all.")
    function_to_apply: Literal["softmax", "none", "sigmoid"] | None = Field(
        None,
        description="`none` gives natural logarithms of the probabilities. `sigmoid` is rejected: it is for labels"
        " that do not exclude each other.",
    )


class Predict(Lenient):
    """One text, a pair, or a batch of lists with one text or two each. A pair is classified as one text of two lines.

    With `parameters`, a list of texts is a batch.
    """

    inputs: Text | _Texts | _Batch
    parameters: Parameters | None = None
    raw_scores: bool = Field(False, description="Natural logarithms of the probabilities instead of the probabilities.")
    truncate: bool | None = Field(
        None, description="Accepted and ignored: a text is always cut to what the model reads."
    )
    truncation_direction: Literal["Left", "Right", "left", "right"] = Field(
        "Right", description="Accepted and ignored: texts are cut by the model's own rule."
    )

    def texts(self) -> tuple[list[str], bool]:
        """Return the texts, and True if the answer is a list of lists; raises `RequestError` for over two in a row."""
        if isinstance(self.inputs, str):
            return [self.inputs], self.parameters is not None
        plain = [each for each in self.inputs if isinstance(each, str)]
        if self.parameters is not None and plain:
            return plain, True
        if len(plain) > 2:
            raise RequestError(
                422,
                "bad_body",
                "inputs: more than a pair of texts.",
                'A batch of texts is [["one"], ["two"], ["three"]].',
            )
        rows = [plain] if plain else [each for each in self.inputs if isinstance(each, list)]
        return ["\n".join(row) for row in rows], not plain

    def raw(self) -> bool:
        """Return True where scores before the activation are wanted; raises `RequestError` for a sigmoid."""
        function = self.parameters.function_to_apply if self.parameters else None
        if function == "sigmoid":
            raise RequestError(
                422,
                "bad_body",
                "parameters.function_to_apply: sigmoid is for labels that do not exclude each other; these do.",
                "Leave it out, or send softmax or none.",
            )
        return self.raw_scores or function == "none"

    def most(self) -> int | None:
        """Return the most labels of an answer; None for all."""
        return self.parameters.top_k if self.parameters else None


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
