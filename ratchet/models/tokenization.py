"""Tokenization of texts, shared by training, evaluation and serving.

Add here what happens between a text and the first layer of an encoder. The model that reads the batch is chosen in
`ratchet/models/inference/predictor.py` and `ratchet/training/`.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ratchet.core.digests import digest_file, digest_json
from ratchet.core.errors import RatchetError
from ratchet.models.preprocessing import LATEST, Preprocessing

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CHAT_TEMPLATE = "chat_template.jinja"
"""File with the text that the base model puts around messages; read only for a prompt with `chat = true`."""


def tokenizer_digest(folder: Path, *, chat: bool = False) -> str:
    """SHA-256 over the tokenizer of the base in `folder`, 64 hex digits; for a `chat` prompt also over its template.

    A template in `tokenizer_config.json` is part of the base's revision instead, as every JSON file is.
    """
    files = {"tokenizer.json": digest_file(tokenizer_file(folder))}
    return digest_json({**files, CHAT_TEMPLATE: template_digest(folder)} if chat else files)


def template_digest(folder: Path) -> str:
    """SHA-256 of the base's chat template file; empty where it has none."""
    path = folder / CHAT_TEMPLATE
    return digest_file(path) if path.is_file() else ""


def tokenizer_file(folder: Path) -> Path:
    """Return the file of the base model's fast tokenizer; raises `RatchetError` where it is missing."""
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise RatchetError(
            f"base model folder {folder} holds no tokenizer.json.",
            "Save its fast tokenizer there: AutoTokenizer.from_pretrained(...).save_pretrained(folder).",
            code="no_base",
        )
    return path


def load_tokenizer(folder: Path, max_tokens: int, preprocessing: Preprocessing = LATEST) -> "EncoderTokenizer":
    """Load the base model's own tokenizer, which reads `max_tokens` of a text, special tokens included."""
    plain = open_tokenizer(folder)
    mask = plain.encode("a").special_tokens_mask
    opening = mask.index(0) if 0 in mask else len(mask)
    return EncoderTokenizer(plain, max_tokens, preprocessing, opening, mask[::-1].index(0) if 0 in mask else 0)


def open_tokenizer(folder: Path) -> "Tokenizer":
    """Open the base model's tokenizer, to which special tokens are special; it neither truncates nor pads."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file(folder)))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


@dataclass(frozen=True)
class TokenRow:
    """Tokens of one text as the model reads them."""

    ids: list[int]


@dataclass(frozen=True)
class ReadText:
    """One text, and the tokens that are read of it: id, place in the text, and True for those that are the text's."""

    text: str
    ids: list[int]
    spans: list[tuple[int, int]]
    own: list[bool]


class TextTokenizer(Protocol):
    """Interface of a tokenizer: a base model's own, or one that puts a prompt around the texts."""

    @property
    def plain(self) -> "Tokenizer":
        """Tokenizer of the texts alone, which never cuts one."""
        ...

    @property
    def max_tokens(self) -> int:
        """Number of tokens that are read of a text."""
        ...

    @property
    def preprocessing(self) -> Preprocessing:
        """Version of what happens to a text before it is tokenized, and of what is kept of a long one."""
        ...

    def encode_batch_fast(self, texts: Sequence[str]) -> list[TokenRow]:
        """Tokens that are read of each prepared text."""
        ...

    def read_text(self, text: str) -> ReadText:
        """Tokens of one text as it comes in, with their places in the prepared text."""
        ...

    def find_cut(self, texts: Sequence[str]) -> list[bool]:
        """True for each text, as it comes in, of which a part is not read."""
        ...


@dataclass(frozen=True)
class EncoderTokenizer:
    """A base model's own tokenizer; the row of a long text keeps its special tokens."""

    plain: "Tokenizer"
    max_tokens: int
    preprocessing: Preprocessing
    opening: int
    """Number of special tokens before every text."""
    closing: int

    def encode_batch_fast(self, texts: Sequence[str]) -> list[TokenRow]:
        """Tokens that are read of each prepared text, special tokens included."""
        return [TokenRow(self._cut(row)) for row in self._encode(texts)]

    def read_text(self, text: str) -> ReadText:
        """Tokens of one text, with their places."""
        prepared = self.preprocessing.prepare(text, self.max_tokens)
        row = self.plain.encode(prepared)
        return ReadText(
            prepared,
            self._cut(row.ids),
            self._cut(row.offsets),
            [not special for special in self._cut(row.special_tokens_mask)],
        )

    def find_cut(self, texts: Sequence[str]) -> list[bool]:
        """True for each text of which a part is not read."""
        prepared = [self.preprocessing.prepare(text, self.max_tokens) for text in texts]
        most = self.preprocessing.most_chars(self.max_tokens)
        rows = self._encode(prepared)
        return [len(row) > self.max_tokens or len(text) >= most for row, text in zip(rows, prepared, strict=True)]

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        return [row.ids for row in self.plain.encode_batch_fast(list(texts))]

    def _cut(self, tokens: Sequence[Any]) -> list[Any]:
        behind = len(tokens) - self.closing
        own = self.preprocessing.cut(tokens[self.opening : behind], self.max_tokens - self.opening - self.closing)
        return [*tokens[: self.opening], *own, *tokens[behind:]]


def encode_texts(tokenizer: TextTokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Token ids that are read of each text, special tokens included, by the preprocessing of the tokenizer."""
    prepared = [tokenizer.preprocessing.prepare(text, tokenizer.max_tokens) for text in texts]
    return [row.ids for row in tokenizer.encode_batch_fast(prepared)]
