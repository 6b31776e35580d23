"""Signatures: Ed25519 over digests, so that the public key is enough to tell what the promoter wrote.

Add here what is signed, and its format; keys are stored by `ratchet/storage/rollout/signing_key.py`.
"""

import base64
import binascii
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ratchet.rollout.ledger_entry import Head

_SIGNER = "— ratchet "


def sign(key: Ed25519PrivateKey, what: str, digest: str) -> str:
    """Return the signature of `digest` as one of the kind `what`, base64."""
    return base64.b64encode(key.sign(f"{what} {digest}".encode())).decode()


def is_signed(key: Ed25519PublicKey, what: str, digest: str, signature: str) -> bool:
    """Return True where `signature` was made by `sign` with the private half of `key`."""
    return _holds(key.public_bytes_raw(), f"{what} {digest}", signature)


@lru_cache(maxsize=1024)  # a reader that follows a ledger checks the same entries again at each change
def _holds(key: bytes, message: str, signature: str) -> bool:
    try:
        raw = base64.b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(key).verify(raw, message.encode())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return base64.b64encode(raw).decode() == signature  # the last letter has bits that decode to nothing


def write_checkpoint(key: Ed25519PrivateKey, classifier: str, head: Head) -> str:
    """Write a signed note on a ledger's head: origin, length, digest, an empty line, the signature, as C2SP's
    checkpoints have them."""
    body = f"ratchet/{classifier}\n{head.sequence}\n{head.digest}\n"
    return f"{body}\n{_SIGNER}{sign(key, 'checkpoint', body)}\n"


def read_checkpoint(key: Ed25519PublicKey, classifier: str, note: str) -> Head | None:
    """Return the head that a note vouches for, or None for a note on another classifier or signed with another key."""
    body, _, signature = note.partition("\n\n")
    body += "\n"
    origin, _, rest = body.partition("\n")
    length, _, digest = rest.strip("\n").partition("\n")
    if origin != f"ratchet/{classifier}" or not length.isdigit() or not signature.startswith(_SIGNER):
        return None
    signed = is_signed(key, "checkpoint", body, signature.removeprefix(_SIGNER).strip())
    return Head(int(length), digest) if signed else None
