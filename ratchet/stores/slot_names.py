"""Which adapter a word means: live, shadow, candidate, or the beginning of a digest.

Add here other words that a person may use for an adapter.
"""

from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.batch_prediction import choose_adapter
from ratchet.stores.ceremony import candidates
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger


def find_adapter(home: Home, name: str, word: str) -> str:
    """The digest that `word` means for classifier `name`; raises `RatchetError` when it means none or several."""
    newest = next((made for _, made in candidates(home, name)), None)
    standing = Ledger(home).standing(name)
    slots = {"live": standing.live, "shadow": standing.challenger or standing.watched_by, "candidate": newest}
    return choose_adapter(word, slots, name) or AdapterStore(home).find(name, word)
