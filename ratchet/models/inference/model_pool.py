"""The base models of a process: each is in memory once, for as long as an adapter is on it.

Weights that were trained in full share nothing: theirs is a base with one adapter. Add here which base an adapter goes to; how
adapters share one is `multi_adapter.py` and `multi_adapter_causal.py`.
"""

import itertools
import threading
import weakref
from pathlib import Path

from ratchet.models.adapters.validation import OpenedAdapter, open_adapter
from ratchet.models.inference.dedicated_model import make_own_model
from ratchet.models.inference.multi_adapter import SharedBase, SharedPredictor
from ratchet.models.inference.multi_adapter_causal import SharedCausal

_NUMBERS = itertools.count()  # so that no adapter that was trained in full is on the base of another


class SharedBases:
    """The shared bases of a process, by content."""

    def __init__(self) -> None:
        self._bases: weakref.WeakValueDictionary[str, SharedBase] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._bases)

    def load(self, folder: Path) -> SharedPredictor:
        """The adapter of a folder on its base, which answers others meanwhile. Raises `RatchetError` as `open_adapter` does."""
        opened = open_adapter(folder)
        with self._lock:
            own = f" {next(_NUMBERS)}" if opened.card.method == "full" else ""
            key = f"{opened.card.family} {opened.base.revision}{own}"
            base = self._bases.get(key) or _make_base(opened)
            self._bases[key] = base
        return base.add(opened)


def _make_base(opened: OpenedAdapter) -> SharedBase:
    if opened.card.method == "full":
        return make_own_model(opened)
    return SharedBase(opened.base) if opened.card.family == "encoder" else SharedCausal(opened.base)
