"""Batches hold each example once, neighbours of similar length, in an order that seed and epoch decide."""

import numpy as np

from ratchet.training.batching import bucket_batches, split_by_tokens

LENGTHS = np.random.default_rng(0).integers(4, 80, size=1003).tolist()


def test_every_example_occurs_once() -> None:
    """No example is lost or doubled, and no batch is larger than asked."""
    batches = bucket_batches(LENGTHS, 16, seed=0, epoch=1)
    assert sorted(index for batch in batches for index in batch) == list(range(1003))
    assert max(map(len, batches)) == 16


def test_buckets_save_most_padding() -> None:
    """Of the padding that random batches need, a tenth remains."""

    def padded(batches: list[list[int]]) -> int:
        return sum(max(LENGTHS[i] for i in batch) * len(batch) - sum(LENGTHS[i] for i in batch) for batch in batches)

    order = np.random.default_rng(1).permutation(1003).tolist()
    random = [order[start : start + 16] for start in range(0, 1003, 16)]
    assert padded(bucket_batches(LENGTHS, 16, seed=0, epoch=1)) < 0.15 * padded(random)


def test_the_order_follows_from_seed_and_epoch_alone() -> None:
    """The same seed and epoch give the same batches; another of either gives others."""
    first = bucket_batches(LENGTHS, 16, seed=0, epoch=1)
    assert bucket_batches(LENGTHS, 16, seed=0, epoch=1) == first
    assert bucket_batches(LENGTHS, 16, seed=1, epoch=1) != first
    assert bucket_batches(LENGTHS, 16, seed=0, epoch=2) != first


def test_pieces_keep_the_order_and_the_limit_of_tokens() -> None:
    """Every example once, in order; no piece over the limit but one of a single long example; short batches stay
    whole."""
    lengths = [5, 9, 40, 3, 8, 8, 8, 8]
    pieces = list(split_by_tokens(range(8), lengths, most=20))
    assert pieces == [[0, 1], [2], [3, 4], [5, 6], [7]]
    assert list(split_by_tokens(range(8), lengths, most=320)) == [list(range(8))]
    assert list(split_by_tokens([], lengths)) == []
