"""Tokenization of texts into padded batches, shared by training, evaluation and serving.

Add here what happens between a text and the first layer of an encoder. The model that reads the batch is chosen in
`ratchet/models/inference/predictor.py` and `ratchet/training/`.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ratchet.core.digests import digest_file, digest_json
from ratchet.core.errors import RatchetError
from ratchet.data import redaction
from ratchet.data.rendering import render
from ratchet.metrics.classification import Floats

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

PREPROCESSING = redaction.PREPROCESSING
"""Version of what happens to a text before it is tokenized; recorded with every adapter."""

RunRows = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Function from `(input_ids, attention_mask)` to one float32 row for each text."""

CHAT_TEMPLATE = "chat_template.jinja"
"""File with the text that the base model puts around messages; read only for a prompt with `chat = true`."""
TokenMatrix = np.ndarray[tuple[int, int], np.dtype[np.int64]]
_TOKENS_IN_BATCH = 2048
_TOKENS_OF_MANY = 512
"""Tokens in a batch where many texts are known at once: products of this size are as fast as larger ones, batches mix
fewer lengths, and both threads get work sooner. With 48 messages, 47 % of all positions were padding at 2,048 tokens,
20 % at 512."""
_ROWS_IN_BATCH = 64
_WORKERS = 2  # threads that each compute whole batches: torch's own threads wait for each other on small matrices


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


def load_tokenizer(folder: Path, max_tokens: int, rendering: str = "") -> "TextTokenizer":
    """Load the base model's own tokenizer, which truncates to `max_tokens`, special tokens included, and never pads.

    With a rendering it is a `RenderedTokenizer` around it.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(tokenizer_file(folder)))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return RenderedTokenizer(tokenizer, rendering) if rendering else tokenizer


class TextTokenizer(Protocol):
    """Interface of a tokenizer: a base model's own, or one that puts a prompt around the texts."""

    @property
    def truncation(self) -> Any:
        """Truncation settings, with `max_length`; None without truncation."""
        ...

    def encode_batch_fast(self, texts: Any) -> Any:
        """Tokenize texts; gives an object with `ids` for each."""
        ...


@dataclass(frozen=True)
class RenderedTokenizer:
    """Base model's own tokenizer, for a model that reads texts in a rendering (`ratchet/data/rendering.py`)."""

    plain: "Tokenizer"
    rendering: str

    @property
    def truncation(self) -> Any:
        """Truncation settings of the tokenizer."""
        return self.plain.truncation

    def encode_batch_fast(self, texts: Any) -> Any:
        """Tokenize texts that are already rendered."""
        return self.plain.encode_batch_fast(texts)


def read_text(tokenizer: TextTokenizer, text: str) -> str:
    """Return what the model of this tokenizer reads of a text: redacted, and in its rendering."""
    return render(redaction.redact(text), getattr(tokenizer, "rendering", ""))


def encode_texts(tokenizer: TextTokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text as the model reads it, special tokens included, truncated to the tokenizer's length."""
    return [result.ids for result in tokenizer.encode_batch_fast([read_text(tokenizer, text) for text in texts])]


def batch_by_tokens(
    lengths: Sequence[int], tokens: int = _TOKENS_IN_BATCH
) -> Iterator["np.ndarray[Any, np.dtype[np.int64]]"]:
    """Indices of texts, longest first, in batches of at most 64 rows and `tokens` padded tokens (or one long row).

    The batches depend on the lengths only, so the same texts always share the same batches.
    """
    order = np.argsort(-np.asarray(lengths, dtype=np.int64), kind="stable")
    start = 0
    while start < len(order):
        rows = max(1, min(_ROWS_IN_BATCH, tokens // max(1, lengths[order[start]])))
        yield order[start : start + rows]
        start += rows


def pad_rows(rows: Sequence[Sequence[int]], pad_id: int) -> tuple[TokenMatrix, TokenMatrix]:
    """`(input_ids, attention_mask)`, both int64 [n, longest], padded on the right."""
    longest = max(map(len, rows))
    ids = np.full((len(rows), longest), pad_id, dtype=np.int64)
    mask = np.zeros((len(rows), longest), dtype=np.int64)
    for row, tokens in enumerate(rows):
        ids[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    return ids, mask


def pad_batch(rows: Sequence[Sequence[int]], pad_id: int) -> tuple["torch.Tensor", "torch.Tensor"]:
    """`pad_rows`, as tensors of torch."""
    import torch

    ids, mask = pad_rows(rows, pad_id)
    return torch.from_numpy(ids), torch.from_numpy(mask)


def run_in_batches(rows: RunRows, tokenizer: TextTokenizer, pad_id: int, texts: Sequence[str], width: int) -> Floats:
    """Compute `rows` of every text, float64 [n, width], in batches of similar length; keeps the order of the texts.

    Sets torch to one thread in this process; two threads of our own share the batches, which changes no bit.
    """
    return run_encoded(rows, encode_texts(tokenizer, texts), pad_id, width)


def run_encoded(rows: RunRows, encoded: Sequence[Sequence[int]], pad_id: int, width: int) -> Floats:
    """Do `run_in_batches` for texts that are already tokenized."""
    import torch

    torch.set_num_threads(1)
    result = np.empty((len(encoded), width), dtype=np.float64)

    def fill(batch: "np.ndarray[Any, np.dtype[np.int64]]") -> None:
        with torch.inference_mode():
            result[batch] = rows(*pad_batch([encoded[index] for index in batch], pad_id)).double().numpy()

    batches = list(batch_by_tokens([len(ids) for ids in encoded], _TOKENS_OF_MANY))
    if len(batches) == 1:
        fill(batches[0])
    else:
        with ThreadPoolExecutor(_WORKERS) as pool:
            list(pool.map(fill, batches))
    return result
