"""Strict format of adapter weights: the settings that PEFT may be given, and exactly the tensors that must be there.

Add here what weights may hold; the files beside them are listed in `format.py`, and the header of a file of weights is
checked in `safetensors_header.py`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ratchet.core.digests import canonical_json
from ratchet.models.adapters.format import CONFIG, bad_adapter, is_number, parse_json, show

if TYPE_CHECKING:
    import torch

PREFIX = "base_model.model."
MAGNITUDE = ".lora_magnitude_vector"
"""Suffix of a layer's name under which PEFT stores DoRA's learned length of each output."""
MAX_RANK = 256


@dataclass(frozen=True)
class LoraSettings:
    """Settings of `adapter_config.json` that may vary; any other key or value is refused."""

    base: str
    rank: int
    alpha: float
    dropout: float
    target_modules: tuple[str, ...]
    heads: tuple[str, ...]
    """Modules that are trained and stored whole; empty for a causal model, which uses the base's own head."""
    causal: bool = False
    dora: bool = False
    """True where the length of each output is learned too (`dora.py`)."""

    def __post_init__(self) -> None:
        if not isinstance(self.base, str) or not self.base:
            raise bad_adapter(f"{CONFIG} names no base model.")
        if type(self.rank) is not int or not 1 <= self.rank <= MAX_RANK:
            raise bad_adapter(f"{CONFIG} asks for r = {show(self.rank)}; 1 to {MAX_RANK} is allowed.")
        if not is_number(self.alpha) or not 0 < self.alpha <= 16 * MAX_RANK:
            raise bad_adapter(
                f"{CONFIG} has lora_alpha = {show(self.alpha)}; above 0 and up to {16 * MAX_RANK} is allowed."
            )
        if not is_number(self.dropout) or not 0 <= self.dropout < 1:
            raise bad_adapter(f"{CONFIG} has lora_dropout = {show(self.dropout)}; 0 to below 1 is allowed.")
        names = (*self.target_modules, *self.heads)
        for name in names:
            if not isinstance(name, str) or not all(part.isidentifier() or part.isdigit() for part in name.split(".")):
                raise bad_adapter(f"{CONFIG} names module {show(name)}; only plain dotted names are allowed.")
        if len(set(names)) < len(names):
            raise bad_adapter(f"{CONFIG} names a module twice, which would be changed twice.")
        if not self.target_modules or bool(self.heads) == self.causal:
            raise bad_adapter(f"{CONFIG} names no target module or no head, or a head that a causal model has already.")

    def as_json(self) -> dict[str, Any]:
        """Content of `adapter_config.json`, which PEFT reads too."""
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
        """Inverse of `as_json`; raises `RatchetError` for any other key or value."""
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
            raise bad_adapter(
                f"{CONFIG} lacks a setting or holds one of the wrong type ({show(str(error))})."
            ) from None
        ours = settings.as_json()
        if canonical_json(content) != canonical_json(ours):  # compared as text, since True == 1 in Python
            extra = sorted(
                key for key in content if key not in ours or canonical_json(content[key]) != canonical_json(ours[key])
            )
            listed = ", ".join(key if key.isidentifier() else show(key) for key in extra[:8])
            raise bad_adapter(f"{CONFIG} sets {listed[:300]}, which no adapter of Ratchet does.")
        return settings


def stored_name(name: str) -> str:
    """Name under which PEFT stores a parameter of an adapted model; a plain model's name is returned as it is."""
    plain = name.replace(".modules_to_save.default", "").replace(".default", "")
    return plain.removesuffix(".weight") if plain.endswith(f"{MAGNITUDE}.weight") else plain


def read_lora_settings(content: Mapping[str, bytes]) -> LoraSettings:
    """Read the LoRA settings among the files of an adapter folder."""
    return LoraSettings.from_json(parse_json(content, CONFIG))


def expected_tensors(settings: LoraSettings, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors that PEFT stores for these settings; `shapes` are the model's, by parameter."""
    expected: dict[str, tuple[int, ...]] = {}
    for module in settings.target_modules:
        shape = shapes.get(f"{module}.weight")
        if shape is None or len(shape) != 2:
            raise bad_adapter(f"{CONFIG} names module {module}, which the base model lacks.")
        expected[f"{PREFIX}{module}.lora_A.weight"] = (settings.rank, shape[1])
        expected[f"{PREFIX}{module}.lora_B.weight"] = (shape[0], settings.rank)
        if settings.dora:
            expected[f"{PREFIX}{module}{MAGNITUDE}"] = (shape[0],)
    for head in settings.heads:
        result = {f"{PREFIX}{name}": shape for name, shape in shapes.items() if f".{name}".find(f".{head}.") >= 0}
        if not result:
            raise bad_adapter(f"{CONFIG} names head {head}, which the base model lacks.")
        expected |= result
    return expected


def check_heads(expected: Mapping[str, tuple[int, ...]], prefix: str, held: Collection[str]) -> None:
    """Raise `RatchetError` where a module that is stored whole would replace one of the base model's own.

    `prefix` begins the names of the model without its head; `held` are the names of the tensors in the base's files.
    """
    for name in expected:
        own = name.removeprefix(PREFIX)
        if (
            ".lora_" not in name
            and own.startswith(f"{prefix}.")
            and not {own, own.removeprefix(f"{prefix}.")}.isdisjoint(held)
        ):
            raise bad_adapter(f"{CONFIG} names a head that would replace {own} of the base model.")


def load_finite(weights: bytes) -> dict[str, "torch.Tensor"]:
    """Load the tensors of a safetensors file; raises `RatchetError` for a value that is not finite."""
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors: dict[str, torch.Tensor] = load(weights)
    except SafetensorError as error:
        raise bad_adapter(f"adapter weights cannot be read: {error}.") from None
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise bad_adapter(f"tensor {name} holds values that are not finite.")
    return tensors
