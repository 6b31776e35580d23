"""A model of its own for an adapter whose every weight was trained: it has nothing to share, and is asked like any
other.

It is a base with one adapter on it, which changes nothing, for the weights are its own already. Add here what is
particular to such models; locks, batches and names are `multi_adapter.py`, what is asked of a causal model is
`multi_adapter_causal.py`.
"""

from typing import Any

from ratchet.models.adapters.merge import apply_adapter
from ratchet.models.adapters.validation import ValidatedAdapter
from ratchet.models.base_models import Base
from ratchet.models.causal import load_causal
from ratchet.models.encoders import load_classifier
from ratchet.models.inference.multi_adapter import MultiAdapterModel
from ratchet.models.inference.multi_adapter_causal import MultiAdapterCausal


def make_dedicated_model(opened: ValidatedAdapter) -> MultiAdapterModel:
    """The model of an adapter of the form `full`; the adapter itself is still to be added."""
    return DedicatedEncoder(opened) if opened.card.family == "encoder" else DedicatedCausal(opened)


class DedicatedEncoder(MultiAdapterModel):
    """An encoder with its head, all of it trained."""

    def __init__(self, opened: ValidatedAdapter) -> None:
        model = load_classifier(opened.base.folder, len(opened.card.labels))
        apply_adapter(model, None, opened.tensors)
        self._own = model
        super().__init__(opened.base)

    def _load(self, base: Base) -> tuple[Any, set[str]]:
        return self._own, set()


class DedicatedCausal(MultiAdapterCausal):
    """A causal model, all of it trained."""

    def __init__(self, opened: ValidatedAdapter) -> None:
        model = load_causal(opened.base.folder)
        apply_adapter(model, None, opened.tensors)
        self._own = model
        super().__init__(opened.base)

    def _load(self, base: Base) -> tuple[Any, set[str]]:
        return self._own, set()
