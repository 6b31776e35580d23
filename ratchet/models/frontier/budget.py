"""Budget of one cycle: money is set aside before it can be spent, so that no attempt, kill or race exceeds the cap.

Add here how money is counted. It is written to disk by `ratchet/storage/frontier_cache.py`.
"""

import threading
from typing import Protocol


class SpendLog(Protocol):
    """Durable log of money by attempt; writing a name again replaces its amount."""

    def spent(self) -> float:
        """Sum over all names."""
        ...

    def write(self, name: str, money: float) -> None:
        """Write the amount of an attempt; durable when this returns."""
        ...


class BudgetSpent(Exception):  # noqa: N818 - an answer to a request for money
    """The next attempt could cost more than is left of the budget."""


class Budget:
    """Money for one cycle; thread-safe. Counts what earlier runs of the cycle spent, or had set aside when killed."""

    def __init__(self, most: float, log: SpendLog) -> None:
        self._most, self._log, self._lock = most, log, threading.Lock()
        self._spent = log.spent()

    @property
    def spent(self) -> float:
        """Money spent or set aside in this cycle so far."""
        with self._lock:
            return self._spent

    def set_aside(self, name: str, money: float) -> None:
        """Set aside the most that an attempt can cost; where it is too much, raises `BudgetSpent` and does nothing."""
        with self._lock:
            if self._spent + money > self._most:
                raise BudgetSpent
            self._log.write(name, money)
            self._spent += money

    def settle(self, name: str, reserved: float, cost: float) -> None:
        """Record the `cost` of the attempt `name`, for which `reserved` was set aside."""
        with self._lock:
            self._log.write(name, cost)
            self._spent += cost - reserved
