"""Crash trials of a store, on a disk that fails at every operation or at random ones.

Describe a store's work as a `Scenario` and pass it to `crash_everywhere` or another of these functions; a broken
promise raises a `BrokenPromiseError` that names the trial, so that it can be repeated. Add here other plans of failure;
the disk is in `ratchet/testing/disk/faulty_disk.py`.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ratchet.testing.disk.faulty_disk import FaultyDisk, PowerLossError
from ratchet.testing.disk.power_loss import OUTCOMES, Survival


class BrokenPromiseError(AssertionError):
    """A promise of the store does not hold after a failure."""


@dataclass(frozen=True)
class Scenario:
    """Work of a store on a disk, and the check of what must hold afterwards.

    `begin` makes a disk on which everything is durable, `work` appends to its list whatever was acknowledged, and
    `check` is the next process: it recovers, and raises AssertionError where something acknowledged is lost or another
    promise is broken.
    """

    begin: Callable[[], FaultyDisk]
    work: Callable[[FaultyDisk, list[Any]], None]
    check: Callable[[FaultyDisk, list[Any]], None]

    @cached_property
    def beginning(self) -> FaultyDisk:
        """Disk that `begin` makes, made once; each trial takes a copy."""
        return self.begin()

    @cached_property
    def operations(self) -> int:
        """Number of operations of the work where nothing fails."""
        disk, acknowledged = _begun(self)
        self.work(disk, acknowledged)
        return disk.operations


def crash_everywhere(scenario: Scenario, *, draws: int = 0) -> int:
    """Lose power at every operation and after the last, with every extreme of what survives and `draws` random ones.

    In a further trial for each, only the process dies and the disk stays as it is. Returns the number of trials.
    """
    trials = 0
    for at in range(1, scenario.operations + 2):
        left, acknowledged = _crashed(scenario, at)
        for name, survival in _survivals(at, draws):
            with _named(f"crash at operation {at}, after which {name} survives"):
                scenario.check(left.after(survival), list(acknowledged))
            trials += 1
    return trials


def crash_recovery_everywhere(scenario: Scenario, *, draws: int = 1) -> int:
    """Crash at every operation, then lose power at each operation of the recovery and after its last.

    The first crash kills the process only, or loses power, after which nothing unsynced or what one seed draws
    survives; after the second, nothing or what `draws` seeds draw survives. Returns the number of trials.
    """
    trials = 0
    for at in range(1, scenario.operations + 2):
        left, acknowledged = _crashed(scenario, at)
        for first in (None, OUTCOMES["nothing"], Survival.drawn(at)):
            again, going = 0, True
            while going:
                again += 1
                trial = f"crash at operation {at}, then at {again} of the recovery"
                disk = left.after(first, crash_at=again)
                with _named(trial), suppress(PowerLossError):
                    scenario.check(disk, list(acknowledged))
                going = disk.dead
                for seed in range(draws + 1):
                    with _named(f"{trial}, second seed {seed}"):
                        last = Survival.drawn(again * 1000 + seed) if seed else OUTCOMES["nothing"]
                        scenario.check(disk.after(last), list(acknowledged))
                    trials += 1
    return trials


def fail_everywhere(scenario: Scenario) -> int:
    """Fill the disk (ENOSPC) or break its syncs (EIO) at every operation (for one, three or all); then cut the power.

    The work itself must handle OSError. Returns the number of trials.
    """
    trials, last = 0, scenario.operations
    for at in range(1, last + 1):
        for many in (1, 3, last * 2):
            for kind in ("full", "broken"):
                trial = f"{kind} at operation {at} and {many - 1} more"
                disk, acknowledged = _begun(scenario)
                setattr(disk, kind, range(at, at + many))
                with _named(trial):
                    scenario.work(disk, acknowledged)
                for name in ("nothing", "everything"):
                    with _named(f"{trial}; at the end {name} of the unsynced survives"):
                        scenario.check(disk.after(OUTCOMES[name]), list(acknowledged))
                    trials += 1
    return trials


def crash_at_random(scenario: Scenario, seed: int) -> None:
    """Run one trial drawn from `seed`: failing operations, a power loss or kill, up to two more during recovery."""
    draw = random.Random(seed)  # noqa: S311 - test data, guards nothing
    with _named(f"seed {seed}"):
        disk, acknowledged = _begun(scenario)
        last = scenario.operations
        disk.crash_at = draw.randint(1, last + 2)
        if draw.random() < 0.5:
            start = draw.randint(1, last)
            disk.full = range(start, start + draw.randint(1, 4))
        if draw.random() < 0.3:
            start = draw.randint(1, last)
            disk.broken = range(start, start + draw.randint(1, 2))
        with suppress(PowerLossError, OSError):
            scenario.work(disk, acknowledged)
        for _ in range(draw.randint(0, 2)):
            disk = _next(disk, draw)
            disk.crash_at = draw.randint(1, 12)
            with suppress(PowerLossError):
                scenario.check(disk, acknowledged)
        scenario.check(_next(disk, draw), acknowledged)


def _next(disk: FaultyDisk, draw: random.Random) -> FaultyDisk:
    return disk.after(Survival.drawn(draw.getrandbits(32)) if draw.random() < 0.8 else None)


def _survivals(at: int, draws: int) -> Iterator[tuple[str, Survival | None]]:
    yield "all of it, as the process alone died,", None
    yield from OUTCOMES.items()
    for seed in range(draws):
        yield f"what seed {at * 1000 + seed} draws", Survival.drawn(at * 1000 + seed)


def _begun(scenario: Scenario) -> tuple[FaultyDisk, list[Any]]:
    return scenario.beginning.after(OUTCOMES["nothing"]), []


def _crashed(scenario: Scenario, at: int) -> tuple[FaultyDisk, list[Any]]:
    """Run the work until it crashes at operation `at`; returns the disk, and what was acknowledged until then."""
    disk, acknowledged = _begun(scenario)
    disk.crash_at = at
    with _named(f"the work until it crashes at operation {at}"), suppress(PowerLossError):
        scenario.work(disk, acknowledged)
    return disk, acknowledged


@contextmanager
def _named(trial: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise BrokenPromiseError(f"{trial}: {type(error).__name__}: {error}") from error
