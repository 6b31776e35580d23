"""The strict form of an adapter folder: which files, which settings, which tensors; checked before anything is built.

A folder holds `ratchet.json` (what the adapter is), for method `lora` a plain PEFT pair (`adapter_config.json`,
`adapter_model.safetensors`), for method `probe` `probe.safetensors`, and once sealed `manifest.json`. Add here what a
folder may hold; how it becomes a model is said in `ratchet/prediction.py`, where it lies in `ratchet/stores/adapter_store.py`.
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

CARD = "ratchet.json"
MANIFEST = "manifest.json"
CONFIG = "adapter_config.json"
WEIGHTS = {"lora": "adapter_model.safetensors", "probe": "probe.safetensors"}
PREFIX = "base_model.model."
MAX_RANK = 256
_MAX_BYTES = 2_000_000_000


def refuse(found: str, cure: str = "") -> RatchetError:
    """The error for a folder that is not what it should be."""
    cure = cure or "Train it again, or use another adapter; a changed adapter is never loaded."
    return RatchetError(found, cure, code="bad_adapter")


@dataclass(frozen=True)
class AdapterCard:
    """What `ratchet.json` says: all that is needed, beside the weights, to serve an adapter as it was trained."""

    family: Literal["encoder"]
    method: Literal["lora", "probe"]
    base: str
    base_revision: str
    tokenizer_digest: str
    labels: tuple[str, ...]
    max_tokens: int
    preprocessing: str
    prompt: None = None
    schema: int = 1
    calibration: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if (self.schema, self.family, self.prompt) != (1, "encoder", None) or self.method not in WEIGHTS:
            raise refuse(f"{CARD} describes schema {self.schema!r}, {self.family!r}/{self.method!r}.", "Update Ratchet.")
        texts = (self.base, self.base_revision, self.tokenizer_digest, self.preprocessing, *self.labels)
        if not all(isinstance(text, str) and text for text in texts) or not 2 <= len(set(self.labels)) == len(self.labels):
            raise refuse(f"{CARD} lacks a base, a digest or two distinct labels.")
        if type(self.max_tokens) is not int or not 8 <= self.max_tokens <= 65536:
            raise refuse(f"{CARD} has max_tokens = {self.max_tokens!r}.")

    def as_json(self) -> dict[str, Any]:
        """The content of `ratchet.json`; calibration is left out until it is fitted."""
        content = {**asdict(self), "labels": list(self.labels)}
        if self.calibration is None:
            del content["calibration"]
        return content

    @classmethod
    def from_json(cls, content: Any) -> "AdapterCard":
        """Inverse of `as_json`; unknown and missing keys are refused."""
        names = {field.name for field in fields(cls)}
        if not isinstance(content, dict) or set(content) - names or names - set(content) - {"calibration"}:
            raise refuse(f"{CARD} has other keys than {', '.join(sorted(names))}.")
        if not isinstance(content["labels"], list) or not isinstance(content.get("calibration", {}), dict):
            raise refuse(f"{CARD} holds a label list or a calibration of the wrong type.")
        return cls(**{**content, "labels": tuple(content["labels"])})


@dataclass(frozen=True)
class LoraSettings:
    """What `adapter_config.json` may set: everything else that PEFT knows stays at its default, or is refused."""

    base: str
    rank: int
    alpha: float
    dropout: float
    target_modules: tuple[str, ...]
    heads: tuple[str, ...]

    def __post_init__(self) -> None:
        if type(self.rank) is not int or not 1 <= self.rank <= MAX_RANK:
            raise refuse(f"{CONFIG} asks for r = {self.rank!r}; 1 to {MAX_RANK} is allowed.")
        if not _finite(self.alpha) or not 0 < self.alpha <= 16 * MAX_RANK:
            raise refuse(f"{CONFIG} has lora_alpha = {self.alpha!r}; above 0 and up to {16 * MAX_RANK} is allowed.")
        if not _finite(self.dropout) or not 0 <= self.dropout < 1:
            raise refuse(f"{CONFIG} has lora_dropout = {self.dropout!r}; 0 to below 1 is allowed.")
        for name in (*self.target_modules, *self.heads):
            if not isinstance(name, str) or not all(part.isidentifier() or part.isdigit() for part in name.split(".")):
                raise refuse(f"{CONFIG} names module {str(name)[:60]!r}; only plain dotted names are allowed.")
        if not self.target_modules or not self.heads:
            raise refuse(f"{CONFIG} names no target module or no head.")

    def as_json(self) -> dict[str, Any]:
        """The content of `adapter_config.json`, which PEFT reads too."""
        return {
            "base_model_name_or_path": self.base,
            "bias": "none",
            "fan_in_fan_out": False,
            "inference_mode": True,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "modules_to_save": list(self.heads),
            "peft_type": "LORA",
            "r": self.rank,
            "target_modules": list(self.target_modules),
            "task_type": "SEQ_CLS",
            "use_dora": False,
            "use_rslora": False,
        }

    @classmethod
    def from_json(cls, content: Any) -> "LoraSettings":
        """Inverse of `as_json`; any other key or value is refused."""
        try:
            settings = cls(
                base=content["base_model_name_or_path"],
                rank=content["r"],
                alpha=content["lora_alpha"],
                dropout=content["lora_dropout"],
                target_modules=tuple(content["target_modules"]),
                heads=tuple(content["modules_to_save"]),
            )
        except (KeyError, TypeError) as error:
            raise refuse(f"{CONFIG} lacks a setting or holds one of the wrong type ({error}).") from None
        if content != settings.as_json():
            extra = sorted(key for key in content if content[key] != settings.as_json().get(key))
            raise refuse(f"{CONFIG} sets {', '.join(map(str, extra))[:200]}, which an adapter of ours never does.")
        return settings


def read_folder(folder: Path) -> dict[str, bytes]:
    """Every file of an adapter folder, read once; what is checked is what is loaded.

    Raises `RatchetError` for a link, an unknown or missing file, or (when sealed) content that differs from the manifest.
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
    if MANIFEST in content:
        check_manifest(content)
    method = read_card(content).method
    expected = {CARD, WEIGHTS[method], *([CONFIG] if method == "lora" else [])}
    if set(content) - {MANIFEST} != expected:
        raise refuse(f"adapter folder {folder.name} holds {', '.join(sorted(content))}; a {method} needs {sorted(expected)}.")
    return content


def read_card(content: Mapping[str, bytes]) -> AdapterCard:
    """The card among the files of an adapter folder."""
    return AdapterCard.from_json(_parse(content, CARD))


def read_settings(content: Mapping[str, bytes]) -> LoraSettings:
    """The LoRA settings among the files of an adapter folder."""
    return LoraSettings.from_json(_parse(content, CONFIG))


def content_digest(content: Mapping[str, bytes]) -> str:
    """SHA-256 over the names and bytes of all files but the manifest: the name of the adapter, 64 hex digits."""
    return digest_json(file_digests(content))


def file_digests(content: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file but the manifest."""
    return {name: digest_bytes(data) for name, data in sorted(content.items()) if name != MANIFEST}


def check_manifest(content: Mapping[str, bytes]) -> str:
    """The digest that the manifest states, after every byte was compared with it; raises `RatchetError`."""
    manifest = _parse(content, MANIFEST)
    found = file_digests(content)
    if not isinstance(manifest, dict) or set(manifest) != {"schema", "digest", "files"}:
        raise refuse(f"{MANIFEST} has other keys than digest, files and schema.")
    if manifest["files"] != found or manifest["digest"] != digest_json(found):
        stated = manifest["files"] if isinstance(manifest["files"], dict) else {}
        changed = sorted(name for name in {*found, *stated} if found.get(name) != stated.get(name))
        raise refuse(f"adapter files differ from their manifest: {', '.join(changed) or 'digest'}.")
    return str(manifest["digest"])


def make_manifest(content: Mapping[str, bytes]) -> bytes:
    """The manifest for these files."""
    files = file_digests(content)
    return canonical_json({"schema": 1, "digest": digest_json(files), "files": files}).encode() + b"\n"


def check_tensors(weights: bytes, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Compare a safetensors header with the exact names and shapes (float32) expected; nothing is allocated."""
    if len(weights) < 8:
        raise refuse("adapter weights are cut short.")
    size = int.from_bytes(weights[:8], "little")
    try:
        header = json.loads(weights[8 : 8 + size]) if size <= min(len(weights) - 8, 50_000_000) else None
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise refuse("adapter weights are no safetensors file.")
    header.pop("__metadata__", None)
    if missing := sorted(set(expected) - set(header)):
        raise refuse(f"adapter weights lack {len(missing)} tensors, first {missing[0]}.")
    if extra := sorted(set(header) - set(expected)):
        raise refuse(f"adapter weights hold {len(extra)} tensors too many, first {extra[0][:120]}.")
    for name, shape in expected.items():
        found = header[name]
        if not isinstance(found, dict) or found.get("dtype") != "F32" or found.get("shape") != list(shape):
            raise refuse(f"tensor {name} is {str(found)[:80]}, expected float32 {list(shape)}.")


def expected_tensors(settings: LoraSettings, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Names and shapes that PEFT stores for these settings, given every parameter's shape of the classifier model."""
    expected: dict[str, tuple[int, ...]] = {}
    for module in settings.target_modules:
        shape = shapes.get(f"{module}.weight")
        if shape is None or len(shape) != 2:
            raise refuse(f"{CONFIG} names module {module}, which the base model lacks.")
        expected[f"{PREFIX}{module}.lora_A.weight"] = (settings.rank, shape[1])
        expected[f"{PREFIX}{module}.lora_B.weight"] = (shape[0], settings.rank)
    for head in settings.heads:
        found = {f"{PREFIX}{name}": shape for name, shape in shapes.items() if f".{name}".find(f".{head}.") >= 0}
        if not found:
            raise refuse(f"{CONFIG} names head {head}, which the base model lacks.")
        expected |= found
    return expected


def _parse(content: Mapping[str, bytes], name: str) -> Any:
    if name not in content:
        raise refuse(f"adapter folder lacks {name}.")
    try:
        return json.loads(content[name], parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise refuse(f"{name} is no JSON.") from None


def _no_constant(word: str) -> None:
    raise ValueError(word)


def _finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
