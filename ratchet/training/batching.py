"""Training batches: examples of similar length, shuffled by seed and epoch, the same in every run.

Add other orders of examples here; a step on one batch is in `ratchet/training/native/trainable_model.py`.
"""

from collections.abc import Iterator, Sequence

import numpy as np

TOKENS_AT_ONCE = 512
"""Most padded tokens whose activations are in memory at a time: about 15 MB per layer of a small encoder."""
_BUCKET = 16  # batches sorted by length together: little padding, and still other neighbours in every epoch


def seeded(seed: int, epoch: int) -> np.random.Generator:
    """Random numbers of one epoch, independent of earlier epochs."""
    return np.random.default_rng(np.random.SeedSequence([seed, epoch]))


def bucket_batches(lengths: Sequence[int], batch: int, seed: int, epoch: int) -> list[list[int]]:
    """Indices in batches of `batch` (the last may be smaller), each example exactly once.

    Examples are shuffled, cut into buckets of 16 batches, sorted by length within each, and the batches shuffled again.
    """
    random = seeded(seed, epoch)
    order = random.permutation(len(lengths))
    batches: list[list[int]] = []
    for start in range(0, len(order), batch * _BUCKET):
        bucket = sorted(order[start : start + batch * _BUCKET].tolist(), key=lengths.__getitem__)
        batches += [bucket[first : first + batch] for first in range(0, len(bucket), batch)]
    return [batches[index] for index in random.permutation(len(batches))]


def split_by_tokens(
    batch: Sequence[int], lengths: Sequence[int], most: int = TOKENS_AT_ONCE, examples: int | None = None
) -> Iterator[list[int]]:
    """Yield the batch in order, in pieces of at most `most` padded tokens or of one longer example.

    No piece holds more than `examples` examples, if given. The caller adds the gradients of the pieces.
    """
    piece: list[int] = []
    for index in batch:
        longest = max(lengths[i] for i in (index, *piece))
        if piece and (len(piece) == examples or (len(piece) + 1) * longest > most):
            yield piece
            piece = []
        piece.append(index)
    if piece:
        yield piece
