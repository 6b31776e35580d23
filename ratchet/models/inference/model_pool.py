"""The base models of a process: each is in memory once, for as long as an adapter is on it.

Weights that were trained in full share nothing: theirs is a base with one adapter. Add here which base an adapter goes
to; how adapters share one is `multi_adapter.py` and `multi_adapter_causal.py`.
"""

import itertools
import threading
import weakref
from pathlib import Path

from ratchet.models.adapters.validation import ValidatedAdapter, validate_adapter
from ratchet.models.inference.dedicated_model import make_dedicated_model
from ratchet.models.inference.multi_adapter import AdapterPredictor, MultiAdapterModel
from ratchet.models.inference.multi_adapter_causal import MultiAdapterCausal

_NUMBERS = itertools.count()  # so that no adapter that was trained in full is on the base of another


class ModelPool:
    """The shared bases of a process, by content."""

    def __init__(self) -> None:
        self._bases: weakref.WeakValueDictionary[str, MultiAdapterModel] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._bases)

    def load(self, folder: Path) -> AdapterPredictor:
        """The adapter of a folder on its base, which answers others meanwhile. Raises `RatchetError` as
        `validate_adapter` does."""
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
