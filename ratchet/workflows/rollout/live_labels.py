"""Labels that live answers, as the card of its adapter names them.

Add here what else a cycle must know of live before it trains; how a candidate is admitted is `nominate.py`.
"""

from collections.abc import Sequence

from ratchet.core.errors import BlockedError, RatchetError
from ratchet.core.label_names import label_form
from ratchet.models.adapters.folder import open_folder
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.ledger import Ledger


def read_labels(home: Home, name: str, digest: str) -> tuple[str, ...]:
    """Return the labels of an adapter; raises `RatchetError` for one that is damaged or missing."""
    with open_folder(AdapterStore(home).open(name, digest)) as opened:
        return opened.card.labels


def read_live_labels(home: Home, name: str) -> tuple[str, ...] | None:
    """Return the labels that live answers; None where nothing is live."""
    live = Ledger(home).live(name)
    return None if live is None else read_labels(home, name, live)


def has_other_names(home: Home, name: str, labels: Sequence[str]) -> bool:
    """Return True where live answers other names than `labels`."""
    try:
        live = read_live_labels(home, name)
    except RatchetError:
        return False
    return live is not None and set(map(label_form, live)) != set(map(label_form, labels))


def read_meanings(home: Home, name: str, digest: str) -> dict[str, tuple[str, ...]]:
    """Return what the labels of an adapter are called now, those that a rule changed; empty where that is not known.

    Rules that cannot be believed are named by the log, and no label counts then.
    """
    rules = LabelRuleFile(home, name).try_read()
    if not rules or not rules.rules:
        return {}
    try:
        labels = read_labels(home, name, digest)
    except RatchetError:
        labels = rules.names
    return {label: each.parts for label, each in rules.read_adapter([*map(label_form, labels)]).items()}


def need_labels_of_live(home: Home, name: str, labels: Sequence[str]) -> None:
    """Raise `BlockedError` where a candidate with `labels` lacks one of live: its requests would get another answer.

    Both are read by the label rules: what was renamed or merged is not missing, and what was retired shall be.
    A live adapter that is damaged or gone names none: its candidate is then what can answer at all.
    """
    try:
        live = read_live_labels(home, name) or ()
    except RatchetError:
        return
    rules = LabelRuleFile(home, name).read()
    if lacking := sorted(rules.labels_now(live) - rules.labels_now(labels)):
        raise BlockedError(f"it does not know {', '.join(lacking)}, which live answers", code="label_of_live")
