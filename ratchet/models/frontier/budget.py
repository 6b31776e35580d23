"""The budget of one cycle: money is set aside before it can be spent, so that no attempt, kill or race exceeds the cap.

Add here how money is counted. Where it is written down is `ratchet/storage/frontier_cache.py`.
"""

import threading
from typing import Protocol


class SpendLog(Protocol):
    """What outlives the process: money by a name of each attempt. A name that is written again replaces what it said
    before."""

    def spent(self) -> float:
        """The sum over all names."""
        ...

    def write(self, name: str, money: float) -> None:
        """Durable when this returns."""
        ...


class BudgetSpent(Exception):  # noqa: N818 - an answer to a request for money
    """The next attempt could cost more than is left."""


class Budget:
    """Money for one cycle; several threads may ask. What earlier runs of the cycle spent, or had set aside when killed,
    counts."""

    def __init__(self, most: float, log: SpendLog) -> None:
        self._most, self._log, self._lock = most, log, threading.Lock()
        self._spent = log.spent()

    @property
    def spent(self) -> float:
        """Money spent or set aside in this cycle so far."""
        with self._lock:
            return self._spent

    def set_aside(self, name: str, money: float) -> None:
        """Take the most that an attempt can cost; raises `BudgetSpent` and takes nothing when it is not there."""
        with self._lock:
            if self._spent + money > self._most:
                raise BudgetSpent
            self._log.write(name, money)
            self._spent += money

    def settle(self, name: str, aside: float, cost: float) -> None:
        """What the attempt `name`, for which `aside` was set aside, did cost."""
        with self._lock:
            self._log.write(name, cost)
            self._spent += cost - aside
