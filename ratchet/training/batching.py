"""Which examples meet in one training batch: of similar length, shuffled by seed and epoch, the same in every run.

Add here orders of examples; how one batch is learned from is in `ratchet/training/native/trainable_model.py`.
"""

from collections.abc import Iterator, Sequence

import numpy as np

TOKENS_AT_ONCE = 512
"""Padded tokens whose activations are held at a time: about 15 MB a layer of a small encoder, however long the texts
are."""
_BUCKET = 16  # batches that are sorted by length together: little padding, and still other neighbours in every epoch


def seeded(seed: int, epoch: int) -> np.random.Generator:
    """The random numbers of one epoch: they depend on nothing that happened before it."""
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
    """The batch in order, in pieces of at most `most` padded tokens, or of one long example. Their gradients are added.

    None of the pieces holds more than so many `examples`, where a number is given.
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
