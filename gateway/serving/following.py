"""Following of one classifier: what its flag and ledger ask for, and the newest of that which can be loaded.

A flag that its writer did not finish is finished here after a while. Add here another reason why a classifier keeps
what it serves; all classifiers are swapped together in `slots.py`, and adapters are checked in `loading.py`.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gateway.flags.desired_state import (
    DesiredState,
    WantedRollout,
    choose_rollout,
    finish_move,
    ledger_alone,
    name_gap,
)
from gateway.serving.loading import Served, load_served
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import LEDGER_TO_FLAG_S
from ratchet.models.inference.model_pool import ModelPool
from ratchet.rollout.flag import Rollout
from ratchet.rollout.ledger_entry import Head
from ratchet.rollout.state import RolloutState, state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger

_LOG = logging.getLogger("ratchet.gateway")

Move = tuple[Head, float]
"""Head of a ledger whose flag is one entry behind, and when that was first seen."""


@dataclass(frozen=True)
class Followed:
    """Result of one look at a classifier."""

    served: Served | None
    """Adapters that answer from now on; None where nothing can."""
    generation: int | None = None
    """Generation of the flag file that was followed, 0 for the ledger alone; None where it is the one of before."""
    problem: str = ""
    """Reason why the classifier does not serve what is asked for; empty if all is well."""
    is_unpromoted: bool = False
    """True where the problem is that it was never promoted."""
    move: Move | None = None
    """Move whose writer may still be at work on the flag."""


@dataclass
class Follower:
    """Follower of the classifiers of a home, one at a time, on one thread."""

    home: Home
    bases: ModelPool
    clock: Callable[[], float] = time.monotonic
    logged: set[tuple[str, str]] = field(default_factory=set)
    """Faults that the log has already."""

    def follow(self, name: str, desired: DesiredState, before: Served | None, move: Move | None) -> Followed:
        """Return what the classifier serves after this look, if it served `before`, with an unfinished `move`."""
        wanted: list[Rollout | None] = []
        state, half_done, problem, is_unpromoted = RolloutState(), False, "", False
        begun = None
        try:
            entries = Ledger(self.home).entries(name)
            state = state_after(entries)
            now = before.rollout if before else None
            want = choose_rollout(self.home, name, desired, entries, now)
            half_done = want.half_done
            if want.rollout or not want.fault:
                wanted.append(want.rollout)
            if alone := ledger_alone(self.home, name, entries, now):
                wanted.append(alone)
            begun = self._wait_for_flag(name, state.head, want, move) if want.half_done else None
            if begun is None and want.fault:
                problem = str(want.fault)
        except Exception as error:  # noqa: BLE001 - a fault of one classifier must not stop the others
            problem = self._explain(name, error)
        if before is None and None not in wanted:
            wanted.append(None)
        served, generation = before, None
        for rollout in wanted:
            try:
                served = load_served(self.home, name, rollout, self.bases, before, self.logged)
                generation = desired.flags.generation if rollout else 0
                break
            except Exception as error:  # noqa: BLE001 - as above: memory, disk, or a runtime's own
                reason = self._explain(name, error)
                if isinstance(error, RatchetError) and error.code == "no_live" and before is None and not problem:
                    is_unpromoted = True
                problem = problem or reason
        if served and (gap := name_gap(state, served.rollout.head)):
            problem = f"{gap} {problem}".strip()
        if served and problem and not half_done and desired.kills(name):
            # The kill switch holds even if the rest of its flag cannot be followed.
            served = replace(served, rollout=replace(served.rollout, killed=True))
        return Followed(served, generation, problem, is_unpromoted, begun)

    def _wait_for_flag(self, name: str, head: Head, want: WantedRollout, before: Move | None) -> Move | None:
        """Return when the move to `head` was first seen without its flag, while its writer may still be at work.

        After that the flag is written here; None where that failed, which is a problem then.
        """
        begun = before if before and before[0] == head else (head, self.clock())
        if self.clock() - begun[1] < LEDGER_TO_FLAG_S:
            return begun
        reason = finish_move(self.home, name)
        if reason and want.fault is not None and (name, reason) not in self.logged:
            self.logged.add((name, reason))
            _LOG.warning("classifier %s: its flag cannot be written here: %s", name, reason)
        return None if reason else begun

    def _explain(self, name: str, error: Exception) -> str:
        """Return the sentence for a problem; an unexpected one is also logged with its traceback, once."""
        if isinstance(error, RatchetError):
            return str(error)
        problem = f"loading it raised {type(error).__name__}; the log has more. It is tried again at every look."
        if (name, problem) not in self.logged:
            self.logged.add((name, problem))
            _LOG.warning("classifier %s: %s", name, problem, exc_info=error)
        return problem
