"""Draws by a keyed hash: who knows a request but not the key cannot tell whether it is drawn.

Add a purpose here, so that two draws of one request are independent.
"""

import hmac

AUDIT, DOUBLE, EVIDENCE = "audit", "double", "evidence"


def is_drawn(key: bytes, purpose: str, request_id: str, share: float) -> bool:
    """Return True for a `share` (0..1) of all request ids, always the same ones; a larger share draws them too."""
    return draw(key, purpose, request_id) < share


def draw(key: bytes, purpose: str, request_id: str) -> float:
    """Return the draw of a request id, from 0 to below 1: always the same one, and even over all ids."""
    drawn = hmac.digest(key, f"review\0{purpose}\0{request_id}".encode(), "sha256")[:8]
    return (int.from_bytes(drawn) >> 11) / 2**53  # as many bits as a float holds
