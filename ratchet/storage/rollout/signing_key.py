"""The key pair that signs ledgers and checkpoints: `signing_key.pem` (for the promoter alone) and `signing_key.pub`.

Made once, by the process that writes the first entry. The gateway needs the public half only: run it as a user that
cannot read the other.
"""

from pathlib import Path

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ratchet.core.errors import RatchetError
from ratchet.core.files import read_if_there, write_atomically
from ratchet.core.filesystem import DISK, FileSystem
from ratchet.storage.home import Home


def signing_key(home: Home, disk: FileSystem = DISK) -> Ed25519PrivateKey:
    """Return the private half, and make the pair if there is none. Raises `RatchetError` for a half that is missing
    or cannot be read."""
    with disk.lock(home.root / ".signing_key.lock"):
        content, public = (read_if_there(path, disk) for path in (home.signing_key, home.public_key))
        if content is None and public is not None:
            raise RatchetError(
                f"{home.public_key} exists, but {home.signing_key.name} is missing.",
                "Restore the private key from a backup; nothing is promoted without it.",
                code="no_signing_key",
            )
        if content is None and home.trust.key is not None:
            raise RatchetError(
                f"{home.signing_key} is missing, and another pair would not be the one that {home.trust.key} trusts.",
                "Restore the private key from a backup; nothing is promoted without it.",
                code="no_signing_key",
            )
        if content is None:
            made = Ed25519PrivateKey.generate()
            content = made.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
            write_atomically(home.signing_key, content, 0o600, disk)
        try:
            key = form.load_pem_private_key(content, None)
        except (ValueError, TypeError):
            raise _unusable(home.signing_key) from None
        if not isinstance(key, Ed25519PrivateKey):
            raise _unusable(home.signing_key)
        if public is None:  # new, or killed between the two files
            pem = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
            write_atomically(home.public_key, pem, disk=disk)
    return key


def can_sign(home: Home) -> bool:
    """Return True where this process can read the private half, which it needs to write an entry."""
    try:
        return isinstance(form.load_pem_private_key(home.signing_key.read_bytes(), None), Ed25519PrivateKey)
    except (OSError, ValueError, TypeError):
        return False


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


def public_key(path: Path, disk: FileSystem = DISK) -> Ed25519PublicKey:
    """Return the public half at `path`; raises `RatchetError` when it is missing or not an Ed25519 key."""
    try:
        key = form.load_pem_public_key(disk.read(path))
    except (OSError, ValueError, TypeError):
        raise _unusable(path) from None
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(path)
    return key


def _unusable(path: Path) -> RatchetError:
    return RatchetError(
        f"{path} is missing or not an Ed25519 key.", "Restore it from a backup.", code="bad_signing_key"
    )
