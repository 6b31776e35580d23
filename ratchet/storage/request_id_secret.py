"""The secret of a home, `request_ids.secret`: 256 random bits, made once, that only its owner may read.

Whoever has it can invent request ids; without it those that were given cannot be told from invented ones. Add here
other secrets that a home makes for itself; what this one proves is `gateway/request_ids.py`.
"""

import os
import secrets
from pathlib import Path

from ratchet.core.errors import RatchetError
from ratchet.core.files import fsync_folder

_BYTES = 32


def keep_secret(path: Path) -> bytes:
    """The secret at `path`, made when there is none: of two who make it at once, one wins and both get it.

    Raises `RatchetError` for a file that holds no secret or that this user may not read, and OSError when none can be
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
            f"{path} holds no secret.",
            "Restore it, or remove it: then feedback on answers given so far is refused.",
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
            os.link(stage, path)  # unlike a rename, it never replaces the secret of whoever was faster
        except FileExistsError:
            return
        fsync_folder(path.parent)
    finally:
        stage.unlink(missing_ok=True)
