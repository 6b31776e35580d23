"""Digests: the same content gives the same name, on every machine and in every run.

Add here ways to name content; who stores under that name is a store's business.
"""

import hashlib
import json
from pathlib import Path
from typing import Any


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces; NaN and infinity are refused (ValueError)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest_bytes(content: bytes) -> str:
    """SHA-256 of `content`, 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, 64 hex digits."""
    return digest_bytes(canonical_json(value).encode())


def digest_file(path: Path) -> str:
    """SHA-256 of a file's bytes, read in blocks, 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
