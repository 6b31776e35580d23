"""Heads of several adapters in one model: each row of a batch goes through the head of its own adapter.

PEFT's `modules_to_save` does this for bare linear layers with equally many labels only, and falls back to the base
model's head without a word. Here a head is any module, adapters may differ in labels (narrow rows are filled up with
zeros), and a row without a head of its own gets what the base model says. Add here how a head is put in, taken out and
chosen; who asks is `multi_adapter.py`.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ratchet.models.adapters.peft_format import PREFIX

if TYPE_CHECKING:
    import torch


class Route(threading.local):
    """Which adapter answers each row of the batch that this thread computes now; set by whoever calls the model."""

    names: Sequence[str] = ()


@dataclass(frozen=True)
class RoutedHeads:
    """The places in `model` where adapters have heads of their own."""

    model: Any
    route: Route
    _places: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, heads: Mapping[str, Any]) -> None:
        """Put in the heads of adapter `name`, by their dotted place in the model."""
        for place, head in heads.items():
            if place not in self._places:
                self._places[place] = make_routed(self.model.get_submodule(place), self.route)
                self.model.set_submodule(place, self._places[place])
            self._places[place].heads[name] = head

    def remove(self, name: str) -> None:
        """Take out the heads of adapter `name`."""
        for routed in self._places.values():
            routed.heads.pop(name, None)


def make_routed(original: Any, route: Route) -> Any:
    """A module that asks, for each row, the head of the row's adapter, or `original` where the adapter has none
    here."""
    import torch

    class RoutedHead(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.original = original
            self.heads: dict[str, Any] = {}

        def forward(self, x: "torch.Tensor") -> "torch.Tensor":
            result = group_rows(route.names)
            return combine([(rows, self.heads.get(name, self.original)(x[rows])) for name, rows in result.items()])

    return RoutedHead().eval()


def group_rows(names: Sequence[str]) -> dict[str, list[int]]:
    """The row numbers of each name, names in the order of their first row."""
    result: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        result.setdefault(name, []).append(row)
    return result


def combine(parts: "Sequence[tuple[Sequence[int], torch.Tensor]]") -> "torch.Tensor":
    """One tensor of rows that were computed apart, each part with its row numbers; narrow ones are filled up with
    zeros."""
    widest = max((part for _, part in parts), key=lambda part: part.shape[-1])
    result = widest.new_zeros(sum(len(rows) for rows, _ in parts), *widest.shape[1:])
    for rows, part in parts:
        result[list(rows), ..., : part.shape[-1]] = part
    return result


def build_heads(skeleton: Any, names: Sequence[str], tensors: Mapping[str, "torch.Tensor"]) -> dict[str, Any]:
    """The modules called `names` of a model on the meta device, by dotted place, holding an adapter's stored
    `tensors`."""
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
