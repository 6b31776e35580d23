"""The key pair that signs receipts: `gate_key.pem`, which only the process of the checks reads, and `gate_key.pub`.

Made once, by the first check that writes a receipt. A training process cannot read it (`ratchet/core/closed_files.py`),
and the gateway and the promoter need the public half only, which the signed ledger names. Another pair comes into force
by `ratchet gate-key`.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.home import Home
from ratchet.storage.keys.key_pair import KeyPair, public_key

_HINT = (
    "Restore the private key from a backup, or make another pair: ratchet gate-key --new --why TEXT. Nothing enters a"
    " rollout without it; what is live stays."
)


def gate_key(home: Home, disk: FileSystem = DISK) -> Ed25519PrivateKey:
    """Return the private half, and make the pair if there is none; raises `RatchetError` for a half that is missing or
    cannot be read."""
    return _pair(home).read_or_make(disk)


def replace_gate_key(home: Home, disk: FileSystem = DISK) -> Ed25519PrivateKey:
    """Make another pair in the place of the present one, and return its private half."""
    return _pair(home).replace(disk)


def _pair(home: Home) -> KeyPair:
    return KeyPair(home.gate_key, home.gate_public_key, _HINT, "no_gate_key")


def gate_public(home: Home, disk: FileSystem = DISK) -> str:
    """Return the public half of the home's pair in hex, '' before there is one; raises `RatchetError` for a file that
    is not a key."""
    if not home.gate_public_key.exists():
        return ""
    return public_key(home.gate_public_key, disk).public_bytes_raw().hex()
