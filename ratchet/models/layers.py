"""Layers of a transformer: finding them, counting the upper ones, and running a model without the lower ones.

The output of the frozen lower layers for a text never changes, so it is computed only once: `SplitLayers` catches it
where the upper layers begin, and later gives it to them instead of running the lower ones. Add here what concerns whole
layers. Caught states are kept by `ratchet/training/native/activation_caching.py` and
`ratchet/models/inference/multi_adapter_causal.py`.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ratchet.config.layer_choice import upper_count
from ratchet.core.errors import RatchetError

if TYPE_CHECKING:
    import torch


def find_layers(model: Any) -> tuple[str, list[Any]]:
    """Dotted name of the list of layers of a model with a head, and its modules, lowest first.

    Raises `RatchetError` where the model has no such list, for instance where all layers share their weights.
    """
    from torch import nn

    count = getattr(model.config, "num_hidden_layers", None)
    prefix = model.base_model_prefix + "."
    lists = [
        (name, list(module))
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList) and name.startswith(prefix) and len(module) == count
    ]
    if not lists:
        raise RatchetError(
            f"the base model ({model.config.model_type}) does not keep its {count} layers in one list.",
            'Write layers = "all", or use another base model.',
            code="no_layers",
        )
    return lists[0]


def lower_count(model: Any, layers: str) -> int:
    """Number of layers below those that `layers` names, 0 for `all`; raises `RatchetError` where it names too many."""
    upper = upper_count(layers)
    if upper is None:
        return 0
    count = len(find_layers(model)[1])
    if upper > count:
        raise RatchetError(
            f'layers = "{layers}" asks for more layers than the base model has ({count}).',
            f'Use "top:1" to "top:{count}", or "all".',
            code="no_layers",
        )
    return count - upper


@dataclass
class _Call:
    """One thread's current use of the layers."""

    below: int
    given: "torch.Tensor | None" = None
    """[n, t, d]: input of the layer `below`, instead of the output of the layers under it."""
    stop: bool = False
    caught: "list[torch.Tensor]" = field(default_factory=list)


class SplitLayers:
    """Wraps the layers of a model, so that a call can skip the lower or the upper ones, for each thread separately."""

    def __init__(self, model: Any) -> None:
        self._calls = threading.local()
        self._form: int | None = None
        layers = find_layers(model)[1]
        for index, layer in enumerate(layers):
            layer.forward = self._make_forward(index, layer)

    @contextmanager
    def catching(self, below: int, *, stop: bool = False) -> "Iterator[list[torch.Tensor]]":
        """Give a list that gets layer `below`'s input at each pass; with `stop`, it and those above are skipped."""
        call = _Call(below, stop=stop)
        with self._during(call):
            yield call.caught

    @contextmanager
    def giving(self, below: int, states: "torch.Tensor | None") -> Iterator[None]:
        """Feed `states` [n, t, d] to layer `below`, and skip the layers under it; None changes nothing."""
        with nullcontext() if states is None else self._during(_Call(below, states)):
            yield

    @contextmanager
    def _during(self, call: _Call) -> Iterator[None]:
        before, self._calls.now = getattr(self._calls, "now", None), call
        try:
            yield
        finally:
            self._calls.now = before

    def _make_forward(self, index: int, layer: Any) -> Callable[..., Any]:
        # no reference cycle, so that a base is freed with its last adapter
        original, weak = type(layer).forward, weakref.ref(layer)

        def forward(states: "torch.Tensor", *more: Any, **named: Any) -> Any:
            call: _Call | None = getattr(self._calls, "now", None)
            if call is not None and index == call.below:
                if call.given is not None:
                    states = call.given
                else:
                    call.caught.append(states.detach())
            left_out = call is not None and (
                index < call.below if call.given is not None else call.stop and index >= call.below
            )
            if left_out:
                return self._pass_on(index, states, named.get("past_key_values"))
            result = original(weak(), states, *more, **named)
            self._form = len(result) if isinstance(result, tuple) else None
            return result

        return forward

    def _pass_on(self, index: int, states: "torch.Tensor", cache: Any) -> Any:
        """Return `states` in the form of a layer's output, and lengthen the skipped layer's entry of the cache."""
        if cache is not None:
            empty = states.new_zeros(len(states), 1, states.shape[1], 1)
            cache.update(empty, empty, index)
        return states if self._form is None else (states, *[None] * (self._form - 1))
