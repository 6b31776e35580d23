"""A key pair in two files, made once by the first process that signs: the private half for its owner alone.

Add here how such a pair is made and read. Two pairs exist: that of the promoter
(`ratchet/storage/rollout/signing_key.py`) and that of the checks (`gate_key.py`).
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ratchet.core.errors import RatchetError
from ratchet.core.failpoints import failpoint
from ratchet.core.files import read_if_there, write_atomically
from ratchet.core.filesystem import DISK, FileSystem


@dataclass(frozen=True)
class KeyPair:
    """The files of one pair, and the sentences of its errors."""

    private: Path
    public: Path
    hint: str
    """Hint of the error for a private half that is missing."""
    code: str
    """Code of that error."""

    def read_or_make(self, disk: FileSystem = DISK, pinned: Path | None = None) -> Ed25519PrivateKey:
        """Return the private half, and make the pair if there is none.

        Raises `RatchetError` for a half that is missing or cannot be read, and where another pair would not be the one
        that `pinned` trusts. Killed between the two files, the next caller makes the public half of the private one.
        """
        with self._locked(disk):
            content, public = (read_if_there(path, disk) for path in (self.private, self.public))
            if content is None and public is not None:
                raise RatchetError(
                    f"{self.public} exists, but {self.private.name} is missing.", self.hint, code=self.code
                )
            if content is None and pinned is not None:
                raise RatchetError(
                    f"{self.private} is missing, and another pair would not be the one that {pinned} trusts.",
                    self.hint,
                    code=self.code,
                )
            if content is None:
                content = _make_private()
                failpoint("keys.before_private")
                write_atomically(self.private, content, 0o600, disk)
                failpoint("keys.after_private")
            try:
                key = form.load_pem_private_key(content, None)
            except (ValueError, TypeError):
                raise _unusable(self.private) from None
            if not isinstance(key, Ed25519PrivateKey):
                raise _unusable(self.private)
            if public is None:  # new, or killed between the two files
                pem = key.public_key().public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
                write_atomically(self.public, pem, disk=disk)
        return key

    def replace(self, disk: FileSystem = DISK) -> Ed25519PrivateKey:
        """Make another pair in the place of this one, and return its private half.

        The public half goes first: killed in between, the next caller makes it of the private half that it finds.
        """
        with self._locked(disk):
            disk.unlink(self.public)
            disk.fsync_dir(self.public.parent)
            failpoint("keys.before_private")
            write_atomically(self.private, _make_private(), 0o600, disk)
            failpoint("keys.after_private")
        return self.read_or_make(disk)

    def _locked(self, disk: FileSystem) -> AbstractContextManager[None]:
        return disk.lock(self.private.with_name(f".{self.private.stem}.lock"))


def _make_private() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())


def is_private_key(path: Path) -> bool:
    """Return True where this process can read a private half at `path`."""
    try:
        return isinstance(form.load_pem_private_key(path.read_bytes(), None), Ed25519PrivateKey)
    except (OSError, ValueError, TypeError):
        return False


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
