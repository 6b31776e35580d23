"""Composition of a batch: a share drawn at random, then every reason in turn, so that none can starve.

Add here how a batch is mixed; which requests a person may see is `votes.py`.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain, zip_longest

BATCH_SIZE = 50
CHECKS = 2
"""Items of a batch that are agreed already."""


def compose_batch(
    drawn: Sequence[str],
    by_reason: Mapping[str, Sequence[str]],
    size: int,
    random_share: float,
    first: Sequence[str] = (),
) -> list[str]:
    """Return at most `size` request ids, each once.

    `drawn` are those drawn at random, `by_reason` the others; both the most valuable first. At least `random_share` of
    the batch is drawn at random as far as there are any; then come those that are wanted `first`, and the rest goes
    round the reasons.
    """
    least = -int(-size * random_share // 1)
    chosen = dict.fromkeys(drawn[:least])
    for request_id in chain(first, _round_robin(by_reason)):
        if len(chosen) >= size:
            break
        chosen.setdefault(request_id)
    for request_id in drawn:
        if len(chosen) >= size:
            break
        chosen.setdefault(request_id)
    return list(chosen)[:size]


def shuffle(batch: str, request_ids: Sequence[str]) -> list[str]:
    """Return the ids in an order that tells nothing of their reasons, the same for one batch."""
    return sorted(request_ids, key=lambda one: blake2b(f"{batch}\0{one}".encode(), digest_size=8).digest())


def _round_robin(by_reason: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for turn in zip_longest(*by_reason.values()):
        yield from (request_id for request_id in turn if request_id is not None)
