"""A rollback by someone who saw one state of the ledger: that very state is taken back, or nothing.

Add here what must hold when a reader's decision meets others'. What a rollback does is `promoter.py`.
"""

from ratchet.errors import RatchetError
from ratchet.ledger_entry import Entry
from ratchet.ledger_head import Head
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger

CHANGED = "ledger_changed"


def take_back(home: Home, classifier: str, why: str, seen: Head, *, who: str = "") -> Entry:
    """Roll back what `seen` was the head of, and return the entry. `who` is the user, if not the one who runs this process.

    Raises `RatchetError` with code `CHANGED` when the ledger has another head, and when there is nothing to return to.
    """
    from ratchet.stores.promoter import roll_back  # brings the warehouse's library, which a gateway has no other use for

    if Ledger(home).head(classifier) != seen:  # said first: what else is wrong then is of no interest; `after` decides a race
        raise RatchetError("The ledger is no longer as your page showed it; nothing was done.", code=CHANGED)
    return roll_back(home, classifier, why, who=who, after=seen)
