"""Labels that live answers, as the card of its adapter names them.

Add here what else a cycle must know of live before it trains; how a candidate is admitted is `nominate.py`.
"""

from collections.abc import Sequence

from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.label_names import label_form
from ratchet.models.adapters.folder import open_folder
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger


def read_labels(home: Home, name: str, digest: str) -> tuple[str, ...]:
    """Return the labels of an adapter; raises `RatchetError` for one that is damaged or missing."""
    with open_folder(AdapterStore(home).open(name, digest)) as opened:
        return opened.card.labels


def read_live_labels(home: Home, name: str) -> tuple[str, ...] | None:
    """Return the labels that live answers; None where nothing is live."""
    live = Ledger(home).live(name)
    return None if live is None else read_labels(home, name, live)


def need_labels_of_live(home: Home, name: str, labels: Sequence[str]) -> None:
    """Raise `BlockedError` where a candidate with `labels` lacks one of live: its requests would get another answer.

    A live adapter that is damaged or gone names none: its candidate is then what can answer at all.
    """
    try:
        live = read_live_labels(home, name) or ()
    except RatchetError:
        return
    if lacking := sorted({label_form(label) for label in live} - {label_form(label) for label in labels}):
        raise BlockedError(f"it does not know {', '.join(lacking)}, which live answers", code="label_of_live")
