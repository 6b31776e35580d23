"""Base models of a process: each is in memory once, for as long as an adapter is on it.

An adapter of the form `full` shares nothing: it gets a base of its own. Add here the choice of an adapter's base; how
adapters share a base is in `multi_adapter.py` and `multi_adapter_causal.py`.
"""

import itertools
import threading
import weakref
from pathlib import Path

from ratchet.models.adapters.validation import ValidatedAdapter, validate_adapter
from ratchet.models.inference.dedicated_model import make_dedicated_model
from ratchet.models.inference.multi_adapter import AdapterPredictor, MultiAdapterModel
from ratchet.models.inference.multi_adapter_causal import MultiAdapterCausal

_NUMBERS = itertools.count()  # so that an adapter of the form `full` never shares a base


class ModelPool:
    """Shared bases of a process, by content."""

    def __init__(self) -> None:
        self._bases: weakref.WeakValueDictionary[str, MultiAdapterModel] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._bases)

    def load(self, folder: Path) -> AdapterPredictor:
        """Load the adapter of a folder onto its base, which keeps serving; raises as `validate_adapter` does."""
        opened = validate_adapter(folder)
        with self._lock:
            own = f" {next(_NUMBERS)}" if opened.card.method == "full" else ""
            key = f"{opened.card.family} {opened.base.revision}{own}"
            base = self._bases.get(key) or _make_base(opened)
            self._bases[key] = base
        return base.add(opened)


def _make_base(opened: ValidatedAdapter) -> MultiAdapterModel:
    if opened.card.method == "full":
        return make_dedicated_model(opened)
    return MultiAdapterModel(opened.base) if opened.card.family == "encoder" else MultiAdapterCausal(opened.base)
