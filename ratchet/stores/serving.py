"""Serving follows the ledger: the flag that says who is live is written from the newest entry, and mended from it.

A promotion is one entry in the ledger; killed before the flag was written, the next `settle` writes it. Add here other things
that follow from the ledger; the entries are `ledger.py`, the file is `flags.py`.
"""

from dataclasses import replace

from ratchet.filesystem import DISK, FileSystem
from ratchet.rollout import Rollout
from ratchet.stores.flags import Flags
from ratchet.stores.home import Home
from ratchet.stores.ledger import Ledger


def settle(home: Home, classifier: str, disk: FileSystem = DISK) -> Rollout | None:
    """Publish the rollout that the newest ledger entry asks for, unless it stands already; None before the first entry.

    Raises `RatchetError` for a broken ledger or flag file, or when another writer was faster.
    """
    ledger, flags = Ledger(home, disk=disk), Flags(home, disk)
    live, head = ledger.live(classifier), ledger.head(classifier)
    if live is None:
        return None
    published = flags.read()
    standing = published.rollouts.get(classifier)
    if standing is not None and standing.head == head and standing.live == live:
        return standing
    rollout = Rollout(live, head=head, killed=standing.killed if standing else False)
    if standing is not None and standing.shadow != live:
        rollout = replace(rollout, shadow=standing.shadow, shadow_share=standing.shadow_share)
    disk.fsync(home.ledger(classifier))  # its writer may have been killed before this; the flag is never ahead of it
    disk.fsync_dir(home.classifier(classifier))
    return flags.publish(classifier, rollout, seen=published.generation).rollouts[classifier]
