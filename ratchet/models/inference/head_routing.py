"""Heads of several adapters in one model: each row of a batch goes through the head of its own adapter.

PEFT's `modules_to_save` does this only for plain linear layers with the same number of labels, and falls back to the
base model's head silently. Here a head is any module, adapters may differ in labels (narrow rows are padded with
zeros), and a row without a head of its own gets that of the base model. Add here how a head is added, removed and
chosen; the caller is `multi_adapter.py`.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ratchet.models.adapters.peft_format import PREFIX

if TYPE_CHECKING:
    import torch


class Route(threading.local):
    """Adapter of each row of the batch that this thread computes now; set by the caller of the model."""

    names: Sequence[str] = ()


@dataclass(frozen=True)
class RoutedHeads:
    """Places in `model` where adapters have heads of their own."""

    model: Any
    route: Route
    _places: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, heads: Mapping[str, Any]) -> None:
        """Add the heads of adapter `name`, by their dotted place in the model."""
        for place, head in heads.items():
            if place not in self._places:
                self._places[place] = make_routed(self.model.get_submodule(place), self.route)
                self.model.set_submodule(place, self._places[place])
            self._places[place].heads[name] = head

    def remove(self, name: str) -> None:
        """Remove the heads of adapter `name`."""
        for routed in self._places.values():
            routed.heads.pop(name, None)


def make_routed(original: Any, route: Route) -> Any:
    """Make a module that runs each row through the head of its adapter, or through `original` where it has none."""
    import torch

    class RoutedHead(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.original = original
            self.heads: dict[str, Any] = {}

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            groups = group_rows(route.names)
            return combine([(rows, self.heads.get(name, self.original)(x[rows])) for name, rows in groups.items()])

    return RoutedHead().eval()


def group_rows(names: Sequence[str]) -> dict[str, list[int]]:
    """Row numbers of each name, names in the order of their first row."""
    result: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        result.setdefault(name, []).append(row)
    return result


def combine(parts: "Sequence[tuple[Sequence[int], torch.Tensor]]") -> "torch.Tensor":
    """Combine parts that were computed separately, each with its row numbers; narrow ones are padded with zeros."""
    widest = max((part for _, part in parts), key=lambda part: part.shape[-1])
    result = widest.new_zeros(sum(len(rows) for rows, _ in parts), *widest.shape[1:])
    for rows, part in parts:
        result[list(rows), ..., : part.shape[-1]] = part
    return result


def build_heads(skeleton: Any, names: Sequence[str], tensors: Mapping[str, "torch.Tensor"]) -> dict[str, Any]:
    """Build the modules called `names` of a model on the meta device from stored `tensors`, by dotted place."""
    return dict(_build_heads(skeleton, names, tensors))


def _build_heads(
    skeleton: Any, names: Sequence[str], tensors: Mapping[str, "torch.Tensor"]
) -> Iterator[tuple[str, Any]]:
    for place, module in skeleton.named_modules():
        if place.rpartition(".")[2] in names and not set(place.split(".")[:-1]) & set(names):
            prefix = f"{PREFIX}{place}."
            own = {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
            module.load_state_dict(own, assign=True)
            yield place, module.eval().requires_grad_(False)
