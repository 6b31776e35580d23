"""The strict form of adapter weights: which settings PEFT may be given, and which tensors must be there, no more, no less.

Everything is compared before anything is allocated. Add here what weights may hold; which files lie beside them is said in
`adapter_format.py`.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ratchet.adapter_format import CONFIG, parse_json, refuse

if TYPE_CHECKING:
    import torch

PREFIX = "base_model.model."
MAGNITUDE = ".lora_magnitude_vector"
"""What follows a layer's name where PEFT stores the lengths that DoRA learned for its outputs."""
MAX_RANK = 256


@dataclass(frozen=True)
class LoraSettings:
    """What `adapter_config.json` may set: everything else that PEFT knows stays at its default, or is refused."""

    base: str
    rank: int
    alpha: float
    dropout: float
    target_modules: tuple[str, ...]
    heads: tuple[str, ...]
    """Modules that are trained and stored whole; none of a causal model, whose head is the base's own."""
    causal: bool = False
    dora: bool = False
    """Whether each output's length is learned too (`dora.py`)."""

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
        if not self.target_modules or bool(self.heads) == self.causal:
            raise refuse(f"{CONFIG} names no target module or no head, or a head that a causal model has already.")

    def as_json(self) -> dict[str, Any]:
        """The content of `adapter_config.json`, which PEFT reads too."""
        return {
            "base_model_name_or_path": self.base,
            "bias": "none",
            "fan_in_fan_out": False,
            "inference_mode": True,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "modules_to_save": list(self.heads) or None,
            "peft_type": "LORA",
            "r": self.rank,
            "target_modules": list(self.target_modules),
            "task_type": "CAUSAL_LM" if self.causal else "SEQ_CLS",
            "use_dora": self.dora,
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
                heads=tuple(content["modules_to_save"] or ()),
                causal=content["task_type"] == "CAUSAL_LM",
                dora=content["use_dora"] is True,
            )
        except (KeyError, TypeError) as error:
            raise refuse(f"{CONFIG} lacks a setting or holds one of the wrong type ({error}).") from None
        if content != settings.as_json():
            extra = sorted(key for key in content if content[key] != settings.as_json().get(key))
            raise refuse(f"{CONFIG} sets {', '.join(map(str, extra))[:200]}, which an adapter of ours never does.")
        return settings


def stored_name(name: str) -> str:
    """The name under which PEFT stores a parameter of an adapted model; that of a plain model is as it is."""
    plain = name.replace(".modules_to_save.default", "").replace(".default", "")
    return plain.removesuffix(".weight") if plain.endswith(f"{MAGNITUDE}.weight") else plain


def read_settings(content: Mapping[str, bytes]) -> LoraSettings:
    """The LoRA settings among the files of an adapter folder."""
    return LoraSettings.from_json(parse_json(content, CONFIG))


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
        if settings.dora:
            expected[f"{PREFIX}{module}{MAGNITUDE}"] = (shape[0],)
    for head in settings.heads:
        found = {f"{PREFIX}{name}": shape for name, shape in shapes.items() if f".{name}".find(f".{head}.") >= 0}
        if not found:
            raise refuse(f"{CONFIG} names head {head}, which the base model lacks.")
        expected |= found
    return expected


def load_finite(weights: bytes) -> dict[str, "torch.Tensor"]:
    """The tensors of a safetensors file; raises `RatchetError` for a value that is not finite."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors: dict[str, torch.Tensor] = load(weights)
    except SafetensorError as error:
        raise refuse(f"adapter weights cannot be read: {error}.") from None
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise refuse(f"tensor {name} holds values that are not finite.")
    return tensors


def _finite(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
