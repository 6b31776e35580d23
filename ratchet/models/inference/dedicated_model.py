"""Models of adapters of the form `full`: every weight was trained, so nothing is shared with other adapters.

Such a model is a base with one adapter on it, which changes nothing, since the weights are the adapter's already. Add
here what only these models need; locks, batches and names are in `multi_adapter.py`, prompts in
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
    """Make the model of an adapter of the form `full`; the caller still has to add the adapter itself."""
    return DedicatedEncoder(opened) if opened.card.family == "encoder" else DedicatedCausal(opened)


class DedicatedEncoder(MultiAdapterModel):
    """An encoder and its head, all weights trained."""

    def __init__(self, opened: ValidatedAdapter) -> None:
        model = load_classifier(opened.base.folder, len(opened.card.labels))
        apply_adapter(model, None, opened.tensors)
        self._own = model
        super().__init__(opened.base)

    def _load(self, base: Base) -> tuple[Any, set[str]]:
        return self._own, set()


class DedicatedCausal(MultiAdapterCausal):
    """A causal model, all weights trained."""

    def __init__(self, opened: ValidatedAdapter) -> None:
        model = load_causal(opened.base.folder)
        apply_adapter(model, None, opened.tensors)
        self._own = model
        super().__init__(opened.base)

    def _load(self, base: Base) -> tuple[Any, set[str]]:
        return self._own, set()
