"""Followers: a move is done when every running gateway answers by its entry, not when the entry is written.

Add here another way to see what answers; gateways say it in `ratchet/storage/locks/gateway_leases.py`.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ratchet.core.timeouts import GATEWAYS_FOLLOW_S
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.storage.home import Home
from ratchet.storage.locks.gateway_leases import RunningGateway, running_gateways

WITHDRAWALS = frozenset({act.ROLLBACK, act.REJECT})
"""Moves that are done only when no running gateway answers otherwise."""
_PAUSE_S = 0.05


@dataclass(frozen=True)
class Followers:
    """Running gateways: those that answer by an entry of the ledger, or by a later one, and those that do not."""

    classifier: str
    sequence: int
    following: tuple[RunningGateway, ...] = ()
    late: tuple[RunningGateway, ...] = ()

    def as_json(self) -> dict[str, list[int]]:
        """Return the process ids."""
        return {"following": [each.pid for each in self.following], "late": [each.pid for each in self.late]}

    @property
    def sentence(self) -> str:
        """One line for people: who answers by the entry, and who does not and why."""
        if not self.following and not self.late:
            return f"no gateway is running on this home; the next one that starts answers by entry {self.sequence}"
        parts = []
        if self.following:
            parts.append(f"{_list(self.following)} by entry {self.sequence}")
        for gateway in self.late:
            head = gateway.heads.get(self.classifier)
            now = f"entry {head.sequence}" if head else "no entry"
            why = gateway.problems.get(self.classifier, "it does not respond")
            parts.append(f"gateway {gateway.pid} does not follow entry {self.sequence}, it answers by {now}: {why}")
        return "; ".join(parts)


def find_followers(home: Home, classifier: str, head: Head) -> Followers:
    """Return which running gateways answer by `head` now."""
    gateways = running_gateways(home)
    late = [each for each in gateways if each.heads.get(classifier, Head()).sequence < head.sequence]
    return Followers(classifier, head.sequence, tuple(each for each in gateways if each not in late), tuple(late))


def wait_for_followers(home: Home, classifier: str, entry: Entry, timeout_s: float = GATEWAYS_FOLLOW_S) -> Followers:
    """Wait until every running gateway answers by `entry`, at most `timeout_s` seconds; return who does."""
    head, end = Head(entry.sequence, entry.digest), time.monotonic() + timeout_s
    while (found := find_followers(home, classifier, head)).late and time.monotonic() < end:
        time.sleep(_PAUSE_S)
    return found


def _list(gateways: Sequence[RunningGateway]) -> str:
    one = len(gateways) == 1
    return f"gateway{'' if one else 's'} {', '.join(str(each.pid) for each in gateways)} answer{'s' if one else ''}"
