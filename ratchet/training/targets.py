"""Which linear layers a LoRA adapts, and which modules are heads that train in full.

Add here rules that turn names in classifier.toml into modules of a model; how they train is in `lora.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.candidate import AUTO
from ratchet.errors import RatchetError
from ratchet.names import nearest


@dataclass(frozen=True)
class Targets:
    """Full dotted names of the adapted layers, and the names of the heads that are trained and saved whole."""

    modules: tuple[str, ...]
    heads: tuple[str, ...]


def resolve_targets(model: Any, asked: Sequence[str], missing: Collection[str]) -> Targets:
    """The targets of a classification model, from its own modules.

    `asked` is `("auto",)` for every linear layer outside the heads, or last parts of dotted names (`query`). `missing`
    names the parameters that the base does not hold: their modules are heads, like everything outside the encoder.
    Raises `RatchetError` for a name that matches no layer, naming the layers that exist.
    """
    from torch import nn

    prefix = model.base_model_prefix + "."
    outside = [name for name, _ in model.named_parameters() if not name.startswith(prefix) or name in missing]
    heads = {name.removeprefix(prefix).split(".")[0] for name in outside}
    layers = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and name.startswith(prefix) and name.removeprefix(prefix).split(".")[0] not in heads
    ]
    if tuple(asked) == AUTO:
        return Targets(tuple(layers), tuple(sorted(heads)))
    known = sorted({name.rpartition(".")[2] for name in layers})
    for name in asked:
        if not any(_matches(layer, name) for layer in layers):
            raise RatchetError(
                f"target module {name!r} matches no linear layer of the base model (has: {', '.join(known)}).",
                f'{nearest(name, known)} Name one of them, or write target_modules = ["auto"].'.strip(),
                code="no_target",
                details={"layers": known},
            )
    return Targets(tuple(layer for layer in layers if any(_matches(layer, name) for name in asked)), tuple(sorted(heads)))


def _matches(layer: str, name: str) -> bool:
    return layer == name or layer.endswith(f".{name}")
