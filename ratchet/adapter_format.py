"""The strict form of an adapter folder: which files, which settings, which tensors; checked before anything is built.

A folder holds `ratchet.json` (what the adapter is), in the forms `lora` and `dora` a plain PEFT pair (`adapter_config.json`,
`adapter_model.safetensors`), in the form `full` every weight of the model (`model.safetensors`), in the form `probe`
`probe.safetensors`, and once sealed `manifest.json`. Add here which
files a folder may hold; settings and tensors are checked in `adapter_weights.py`, how they become a model is said in
`prediction.py`, where they lie in `stores/adapter_store.py`.
"""

import json
import math
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from ratchet.errors import RatchetError
from ratchet.identity import canonical_json, digest_bytes, digest_json
from ratchet.names import DIGEST

CARD = "ratchet.json"
MANIFEST = "manifest.json"
CONFIG = "adapter_config.json"
Form = Literal["lora", "dora", "full", "probe"]
"""How the weights of an adapter are read; a card calls it `method`."""
LOW_RANK = ("lora", "dora")
WEIGHTS: Mapping[str, str] = {
    "lora": "adapter_model.safetensors",
    "dora": "adapter_model.safetensors",
    "full": "model.safetensors",
    "probe": "probe.safetensors",
}
_MAX_BYTES = 2_000_000_000
_LATER = {"calibration", "canary"}  # keys that a card may lack: one until it is sealed, the other if it is older than canaries


def refuse(found: str, cure: str = "") -> RatchetError:
    """The error for a folder that is not what it should be."""
    cure = cure or "Train it again, or use another adapter; a changed adapter is never loaded."
    return RatchetError(found, cure, code="bad_adapter")


@dataclass(frozen=True)
class AdapterCard:
    """What `ratchet.json` says: all that is needed, beside the weights, to serve an adapter as it was trained."""

    family: Literal["encoder", "causal"]
    method: Form
    base: str
    base_revision: str
    tokenizer_digest: str
    labels: tuple[str, ...]
    max_tokens: int
    preprocessing: str
    prompt: Mapping[str, Any] | None = None
    """What stands around the text and which tokens are the labels (`prompt.py`); of a causal adapter only."""
    schema: int = 1
    calibration: Mapping[str, Any] | None = None
    canary: Mapping[str, Any] | None = None
    """What it answers to fixed prompts (`canary.py`): `prompts`, the number of their list, and `logits`, rows of numbers."""

    def __post_init__(self) -> None:
        answers = self.method in WEIGHTS and self.method != "probe"
        prompted = self.family == "causal" and answers and isinstance(self.prompt, Mapping)
        bare = self.family == "encoder" and self.method in WEIGHTS and self.prompt is None
        if self.schema != 1 or not (prompted or bare):
            raise refuse(f"{CARD} describes schema {self.schema!r}, {self.family!r}/{self.method!r}.", "Update Ratchet.")
        texts = (self.base, self.base_revision, self.tokenizer_digest, self.preprocessing, *self.labels)
        if not all(isinstance(text, str) and text for text in texts) or not 2 <= len(set(self.labels)) == len(self.labels):
            raise refuse(f"{CARD} lacks a base, a digest or two distinct labels.")
        if type(self.max_tokens) is not int or not 8 <= self.max_tokens <= 65536:
            raise refuse(f"{CARD} has max_tokens = {self.max_tokens!r}.")
        if self.canary is not None and not _is_canary(self.canary, len(self.labels)):
            raise refuse(
                f"{CARD} holds a canary that is no number of a list with {len(self.labels)} logits for each of its prompts."
            )

    def as_json(self) -> dict[str, Any]:
        """The content of `ratchet.json`; canary and calibration are left out until they are known."""
        content = {**asdict(self), "labels": list(self.labels)}
        return {key: value for key, value in content.items() if key not in _LATER or value is not None}

    @classmethod
    def from_json(cls, content: Any) -> "AdapterCard":
        """Inverse of `as_json`; unknown and missing keys are refused."""
        names = {field.name for field in fields(cls)}
        if not isinstance(content, dict) or set(content) - names or names - set(content) - _LATER:
            raise refuse(f"{CARD} has other keys than {', '.join(sorted(names))}.")
        if not isinstance(content["labels"], list) or not all(isinstance(content.get(key, {}), dict) for key in _LATER):
            raise refuse(f"{CARD} holds a label list, a calibration or a canary of the wrong type.")
        return cls(**{**content, "labels": tuple(content["labels"])})


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of an adapter folder, read once; what is checked is what is loaded.

    Raises `RatchetError` for a link, an unknown or missing file, or (when sealed) content that differs from the manifest or
    from the digest that the folder is named by.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise refuse(f"{folder} is no adapter folder.", "Give the folder of an adapter.")
    content: dict[str, bytes] = {}
    allowed = {CARD, MANIFEST, CONFIG, *WEIGHTS.values()}
    for path in sorted(folder.iterdir()):
        if path.name not in allowed:
            raise refuse(f"adapter folder {folder.name} holds {path.name[:80]!r}, which is no part of an adapter.")
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise refuse(f"{path.name} in adapter folder {folder.name} is no regular file.")
        if status.st_size > _MAX_BYTES:
            raise refuse(f"{path.name} in adapter folder {folder.name} has {status.st_size} bytes.")
        content[path.name] = path.read_bytes()
    if MANIFEST in content and check_manifest(content) != folder.name and DIGEST.fullmatch(folder.name):
        raise refuse(f"adapter {folder.name[:16]} is not the content that its name says.")
    method = read_card(content).method
    expected = {CARD, WEIGHTS[method], *([CONFIG] if method in LOW_RANK else [])}
    if set(content) - {MANIFEST} != expected:
        raise refuse(f"adapter folder {folder.name} holds {', '.join(sorted(content))}; a {method} needs {sorted(expected)}.")
    return content


def read_card(content: Mapping[str, bytes]) -> AdapterCard:
    """The card among the files of an adapter folder."""
    return AdapterCard.from_json(parse_json(content, CARD))


def content_digest(content: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and bytes of all files but the manifest: the name of the adapter, 64 hex digits."""
    return digest_json(file_digests(content))


def file_digests(content: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file but the manifest."""
    return {name: digest_bytes(data) for name, data in sorted(content.items()) if name != MANIFEST}


def check_manifest(content: Mapping[str, bytes]) -> str:
    """The digest that the manifest states, after every byte was compared with it; raises `RatchetError`."""
    manifest = parse_json(content, MANIFEST)
    found = file_digests(content)
    if not isinstance(manifest, dict) or set(manifest) != {"schema", "digest", "files"}:
        raise refuse(f"{MANIFEST} has other keys than digest, files and schema.")
    if manifest["files"] != found or manifest["digest"] != digest_json(found):
        stated = manifest["files"] if isinstance(manifest["files"], dict) else {}
        changed = sorted(name for name in {*found, *stated} if found.get(name) != stated.get(name))
        raise refuse(f"adapter files differ from their manifest: {', '.join(changed) or 'digest'}.")
    if content[MANIFEST] != make_manifest(content):  # its own bytes are in no digest
        raise refuse(f"{MANIFEST} is written otherwise than sealing writes it.")
    return str(manifest["digest"])


def make_manifest(content: Mapping[str, bytes]) -> bytes:
    """The manifest for these files."""
    files = file_digests(content)
    return canonical_json({"schema": 1, "digest": digest_json(files), "files": files}).encode() + b"\n"


def parse_json(content: Mapping[str, bytes], name: str) -> Any:
    """One JSON file among the files of an adapter folder; NaN and infinity are refused."""
    if name not in content:
        raise refuse(f"adapter folder lacks {name}.")
    try:
        return json.loads(content[name], parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise refuse(f"{name} is no JSON.") from None


def _is_canary(canary: Mapping[str, Any], k: int) -> bool:
    rows = canary.get("logits")
    return (
        set(canary) == {"prompts", "logits"}
        and type(canary["prompts"]) is int
        and isinstance(rows, list)
        and all(isinstance(row, list) and len(row) == k for row in rows)
        and all(type(value) in (int, float) and math.isfinite(value) for row in rows for value in row)
    )


def _no_constant(word: str) -> None:
    raise ValueError(word)
