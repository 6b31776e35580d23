"""The key pair that signs ledgers and checkpoints: `signing_key.pem` (for the promoter alone) and `signing_key.pub`.

Made once, by the process that writes the first entry. The gateway needs the public half only: run it as a user that
cannot read the other. The pair that signs receipts is `ratchet/storage/keys/gate_key.py`.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.home import Home
from ratchet.storage.keys.key_pair import KeyPair, is_private_key, public_key


def signing_key(home: Home, disk: FileSystem = DISK) -> Ed25519PrivateKey:
    """Return the private half, and make the pair if there is none. Raises `RatchetError` for a half that is missing
    or cannot be read."""
    hint = "Restore the private key from a backup; nothing is promoted without it."
    pair = KeyPair(home.signing_key, home.public_key, hint, "no_signing_key")
    return pair.read_or_make(disk, home.trust.key)


def can_sign(home: Home) -> bool:
    """Return True where this process can read the private half, which it needs to write an entry."""
    return is_private_key(home.signing_key)


def trusted_key(home: Home, disk: FileSystem = DISK) -> Ed25519PublicKey:
    """Return the key that vouches for the ledgers of `home`: a pinned one, else the home's.

    A running process keeps the first one that it read, whatever is written afterwards.
    """
    path, memory = home.trust.key or home.public_key, home.trust.memory
    if memory is None:
        return public_key(path, disk)
    if memory.key is None:
        memory.key = public_key(path, disk).public_bytes_raw()
    return Ed25519PublicKey.from_public_bytes(memory.key)
