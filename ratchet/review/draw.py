"""Draws by a keyed hash: who knows a request but not the key cannot tell whether it is drawn.

Add a purpose here, so that two draws of one request are independent.
"""

import hmac

AUDIT, DOUBLE = "audit", "double"


def is_drawn(key: bytes, purpose: str, request_id: str, share: float) -> bool:
    """Return True for a `share` (0..1) of all request ids, always the same ones; a larger share draws them too."""
    drawn = hmac.digest(key, f"review\0{purpose}\0{request_id}".encode(), "sha256")[:8]
    return int.from_bytes(drawn) < share * 2**64
