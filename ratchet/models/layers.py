"""The layers of a transformer, one above the other: where they are, which are the upper K, and how to leave out the
others.

What the frozen lower layers make of a text never changes, so it need be computed only once: `SplitLayers` catches it
where the upper layers begin, and gives it to them later in the place of the lower ones. Add here what concerns whole
layers. Who keeps what was caught is in `ratchet/training/native/activation_caching.py` and
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
    """Dotted name and modules of the layers of a model with a head, lowest first.

    Raises `RatchetError` where they do not lie in one list, as where all layers share their weights.
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
    """How many layers lie below those that `layers` names: 0 for `all`. Raises `RatchetError` when there are not so
    many."""
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
    """What one thread does with the layers meanwhile."""

    below: int
    given: "torch.Tensor | None" = None
    """[n, t, d]: what the layer `below` reads instead of what the ones under it would say."""
    stop: bool = False
    caught: "list[torch.Tensor]" = field(default_factory=list)


class SplitLayers:
    """Takes over the layers of a model, so that a call can leave out the lower or the upper ones, in each thread
    apart."""

    def __init__(self, model: Any) -> None:
        self._calls = threading.local()
        self._form: int | None = None
        layers = find_layers(model)[1]
        for index, layer in enumerate(layers):
            layer.forward = self._make_forward(index, layer)

    @contextmanager
    def catching(self, below: int, *, stop: bool = False) -> "Iterator[list[torch.Tensor]]":
        """Yield a list that gets, at each pass, what reaches layer `below`; with `stop` it and those above do
        nothing."""
        call = _Call(below, stop=stop)
        with self._during(call):
            yield call.caught

    @contextmanager
    def giving(self, below: int, states: "torch.Tensor | None") -> Iterator[None]:
        """Have layer `below` read `states` [n, t, d], and the layers under it do nothing. None changes nothing."""
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
        original, weak = type(layer).forward, weakref.ref(layer)  # no cycle: a base is freed with its last adapter

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
        """What a layer that does nothing says, in the form of the others; its place in a cache stays as long as
        theirs."""
        if cache is not None:
            empty = states.new_zeros(len(states), 1, states.shape[1], 1)
            cache.update(empty, empty, index)
        return states if self._form is None else (states, *[None] * (self._form - 1))
