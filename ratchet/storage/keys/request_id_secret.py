"""The secret of a home, `request_ids.secret`: 256 random bits, made once, that only its owner may read.

With it anyone can invent request ids; without it, ids that were given look like invented ones. Add here other secrets
that a home makes for itself; request ids are made and checked in `gateway/request_ids.py`.
"""

import os
import secrets
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.core.files import fsync_folder

_BYTES = 32


def keep_secret(path: Path) -> bytes:
    """Return the secret at `path`, made if there is none; two processes that make it at once get the same one.

    Raises `RatchetError` for a file that is not a secret or that this user may not read, and OSError when it cannot be
    written.
    """
    if not path.exists():
        _make(path, secrets.token_bytes(_BYTES))
    try:
        result = bytes.fromhex(path.read_text(encoding="ascii"))
    except (ValueError, PermissionError):
        result = b""
    if len(result) != _BYTES:
        raise RatchetError(
            f"{path} does not hold a secret that can be read.",
            "Restore it, or remove it: feedback on answers given so far is then rejected.",
            code="bad_secret",
        )
    return result


def _make(path: Path, drawn: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    stage = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        file = os.open(stage, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(file, drawn.hex().encode())
            os.fsync(file)
        finally:
            os.close(file)
        try:
            os.link(stage, path)  # unlike a rename, it never replaces the secret of a faster process
        except FileExistsError:
            return
        fsync_folder(path.parent)
    finally:
        stage.unlink(missing_ok=True)
