"""Selection of the linear layers that a LoRA adapts, and of the heads that train in full.

Add here rules that turn names in classifier.toml into modules of a model; their training is set up in
`ratchet/training/native/model_setup.py`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ratchet.config.candidate_rules import AUTO
from ratchet.config.layer_choice import ALL
from ratchet.core.errors import RatchetError
from ratchet.core.names import nearest
from ratchet.models.layers import find_layers, lower_count


@dataclass(frozen=True)
class Targets:
    """Full dotted names of the adapted layers, and names of the heads that are trained and saved whole."""

    modules: tuple[str, ...]
    heads: tuple[str, ...]


def resolve_targets(model: Any, names: Sequence[str], missing: Collection[str], layers: str = ALL) -> Targets:
    """Resolve the targets of a model from its own modules.

    `names` is `("auto",)` for every linear layer outside the heads, or last parts of dotted names (`query`). `missing`
    names the parameters that the base does not hold: their modules are heads, like everything outside the encoder. With
    `layers` as `top:K` only the upper K layers of the transformer are adapted; heads are trained all the same. Raises
    `RatchetError` for a name that matches no linear layer there, naming those that exist, and for a K that is too
    large.
    """
    from torch import nn

    prefix = model.base_model_prefix + "."
    outside = [name for name, _ in model.named_parameters() if not name.startswith(prefix) or name in missing]
    # by place, not by name: each family names its head differently
    heads = {name.removeprefix(prefix).split(".")[0] for name in outside}
    inside = _upper(model, layers)
    linear = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear)
        and name.startswith(prefix)
        and name.removeprefix(prefix).split(".")[0] not in heads
        and name.startswith(inside)
    ]
    if not linear:
        raise RatchetError(
            "the base model has no linear layer that a LoRA could be put beside.",
            'Take a base whose layers are torch.nn.Linear (GPT-2 and its like have Conv1D), or method = "full".',
            code="no_target",
        )
    if tuple(names) == AUTO:
        return Targets(tuple(linear), tuple(sorted(heads)))
    known = sorted({name.rpartition(".")[2] for name in linear})
    for name in names:
        if not any(_matches(layer, name) for layer in linear):
            where = "the base model" if layers == ALL else f"the upper layers ({layers})"
            raise RatchetError(
                f"target module {name!r} matches no linear layer of {where} (has: {', '.join(known)}).",
                f'{nearest(name, known)} Name one of them, or write target_modules = ["auto"].'.strip(),
                code="no_target",
                details={"layers": known},
            )
    return Targets(
        tuple(layer for layer in linear if any(_matches(layer, name) for name in names)), tuple(sorted(heads))
    )


def _upper(model: Any, layers: str) -> tuple[str, ...]:
    """Prefixes of the names of modules that may be adapted."""
    below = lower_count(model, layers)
    if layers == ALL:
        return ("",)
    name, result = find_layers(model)
    return tuple(f"{name}.{index}." for index in range(below, len(result)))


def _matches(layer: str, name: str) -> bool:
    return layer == name or layer.endswith(f".{name}")
