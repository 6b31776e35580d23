"""Adapter that a word means: live, shadow, candidate, or the beginning of a digest.

Add here other words that a person may use for an adapter.
"""

from collections.abc import Mapping

from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_history import candidates


def find_adapter(home: Home, name: str, word: str) -> str:
    """Return the digest that `word` means for classifier `name`; raises `RatchetError` for none or several."""
    newest = next((made for _, made in candidates(home, name)), None)
    state = Ledger(home).state(name)
    slots = {"live": state.live, "shadow": state.challenger or state.watched_by, "candidate": newest}
    return choose_adapter(word, slots, name) or AdapterStore(home).find(name, word)


_HINTS = {
    "live": "Run 'ratchet promote {name} --why TEXT', or use --adapter candidate.",
    "shadow": "The slot is filled after a successful cycle; use live, candidate or a digest.",
    "candidate": "Run 'ratchet cycle {name}'.",
}


def choose_adapter(word: str, slots: Mapping[str, str | None], name: str) -> str | None:
    """Return the digest in the slot `word` (live, shadow, candidate), None where `word` is not a slot.

    Raises `RatchetError` for an empty slot.
    """
    if word in slots and slots[word] is None:
        raise RatchetError(f"{name} has no {word} adapter.", _HINTS[word].format(name=name), code="no_adapter")
    return slots.get(word)
