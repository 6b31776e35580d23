"""Buckets of users: who gets the candidate of a flagd `fractional` rule, by each hashing that flagd's evaluators have.

Which releases hash how is in `docs/decisions/0048-one-user-one-bucket.md`. Our own code decides, so that another
release of flagd's evaluator moves nobody; `bucketing_vectors.csv` beside this file holds it and the evaluators of other
languages to the same buckets. Add here a further hashing; a rollout names its own (`ledger_entry.py`, `flag.py`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import mmh3

BUCKETING, FORMER_BUCKETING = "fractional-v2", "fractional-v3"
"""Hashing of rollouts that begin now, and of those that began before rollouts named theirs, as flagd's tests name
them."""


def _join(flag: str, user: str) -> bytes:
    return f"{flag}{user}".encode()


def _encode_cbor(flag: str, user: str) -> bytes:
    """Return the CBOR array of both texts, in its shortest form (RFC 8949, section 4.2)."""
    return b"\x82" + _cbor_text(flag) + _cbor_text(user)


def _cbor_text(text: str) -> bytes:
    content = text.encode()
    size = len(content)
    if size < 24:
        return bytes([0x60 + size]) + content
    width = 1 if size < 1 << 8 else 2 if size < 1 << 16 else 4
    return {1: b"\x78", 2: b"\x79", 4: b"\x7a"}[width] + size.to_bytes(width, "big") + content


HASHED: Mapping[str, Callable[[str, str], bytes]] = MappingProxyType(
    {"fractional-v2": _join, "fractional-v3": _encode_cbor}
)
"""Bytes that each hashing takes of the flag's name and the user."""


def gets_candidate(bucketing: str, flag: str, user: str, percent: int) -> bool:
    """Return True where the rule `[[live, 100 - percent], [candidate, percent]]` of `flag` gives `user` the candidate.

    The hash is MurmurHash3 (x86, 32 bits, seed 0), taken as unsigned and scaled to the sum of the weights. Who gets the
    candidate at one percentage gets it at every larger one.
    """
    return (mmh3.hash(HASHED[bucketing](flag, user), signed=False) * 100) >> 32 >= 100 - percent
