"""Batches of tokenized texts: of similar length, padded on the right, computed by two threads.

Add here how rows of tokens become batches; how texts become tokens is `tokenization.py`.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ratchet.metrics.classification import Floats
from ratchet.models.tokenization import TextTokenizer, encode_texts

if TYPE_CHECKING:
    import torch

RunRows = Callable[["torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Function from `(input_ids, attention_mask)` to one float32 row for each text."""

TokenMatrix = np.ndarray[tuple[int, int], np.dtype[np.int64]]
_TOKENS_IN_BATCH = 2048
_TOKENS_OF_MANY = 512
"""Tokens in a batch where many texts are known at once: products of this size are as fast as larger ones, batches mix
fewer lengths, and both threads get work sooner. With 48 messages, 47 % of all positions were padding at 2,048 tokens,
20 % at 512."""
_ROWS_IN_BATCH = 64
_WORKERS = 2  # threads that each compute whole batches: torch's own threads wait for each other on small matrices


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
