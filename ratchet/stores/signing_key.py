"""The key pair that signs ledgers and checkpoints: `signing_key.pem` (for the promoter alone) and `signing_key.pub`.

Made once, by whoever writes the first entry. The gateway reads the public half only: give it a user that cannot read the other.
"""

import fcntl
from pathlib import Path

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ratchet.errors import RatchetError
from ratchet.files import write_atomically
from ratchet.stores.home import Home


def signing_key(home: Home) -> Ed25519PrivateKey:
    """The private half; the pair is made where there is none. Raises `RatchetError` when it cannot be read, or is lost."""
    with (home.root / ".signing_key.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.signing_key.exists():
            if home.public_key.exists():
                raise RatchetError(
                    f"{home.public_key} stands there, but {home.signing_key.name} is gone.",
                    "Restore the private key from a backup; nothing is promoted without it.",
                    code="no_signing_key",
                )
            _make(home)
        key = _load(home.signing_key, lambda content: form.load_pem_private_key(content, None))
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(home.signing_key)
    if not home.public_key.exists():  # killed between the two files
        _write_public(home, key)
    return key


def can_sign(home: Home) -> bool:
    """Whether this process can read the private half, so that it could write an entry."""
    try:
        found = _load(home.signing_key, lambda content: form.load_pem_private_key(content, None))
    except RatchetError:
        return False
    return isinstance(found, Ed25519PrivateKey)


def public_key(path: Path) -> Ed25519PublicKey:
    """The public half at `path`; raises `RatchetError` when there is none or it is no Ed25519 key."""
    key = _load(path, form.load_pem_public_key)
    if not isinstance(key, Ed25519PublicKey):
        raise _unusable(path)
    return key


def _make(home: Home) -> None:
    key = Ed25519PrivateKey.generate()
    content = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    write_atomically(home.signing_key, content, mode=0o600)
    _write_public(home, key)


def _write_public(home: Home, key: Ed25519PrivateKey) -> None:
    content = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    write_atomically(home.public_key, content)


def _load(path: Path, read: object) -> object:
    try:
        return read(path.read_bytes())  # type: ignore[operator]
    except (OSError, ValueError, TypeError):
        raise _unusable(path) from None


def _unusable(path: Path) -> RatchetError:
    return RatchetError(f"{path} holds no Ed25519 key that can be read.", "Restore it from a backup.", code="bad_signing_key")
