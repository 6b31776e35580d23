"""Occurrences of cycles: a week that a check blocked, a run that ended with an error or without a word.

Add here another way in which the work of a week can end. Runs are read from the append-only run log, so that a week
that ran again hides nothing.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ratchet.storage.given_up import read_given_up
from ratchet.storage.home import Home
from ratchet.storage.links import Links
from ratchet.storage.locks.process_locks import is_locked
from ratchet.storage.run_log import BLOCKED, ERROR, RunLine
from ratchet.workflows.alerts.occurrence import Occurrence, make_line, read_time

_YOUNG = timedelta(minutes=2)
"""Age up to which a run without an outcome may just be about to take its lock."""


def list_runs(name: str, runs: Sequence[RunLine], links: Links) -> Iterator[Occurrence]:
    """Yield an occurrence for each run that was blocked or stopped."""
    for line in runs:
        if line.state == BLOCKED:
            text = f"week {line.week} blocked by {line.stage}: {line.message.removeprefix('Fails: ')}"
            yield _of_run(name, line, "blocked", text, links.report(name, line.week))
        elif line.state == ERROR:
            text = f"week {line.week} stopped at {line.stage}: {line.message}"
            yield _of_run(name, line, "failed", text, links.run(line.run))


def find_dead(home: Home, name: str, runs: Sequence[RunLine], links: Links, now: datetime) -> Iterator[Occurrence]:
    """Yield the newest run if it began, has no outcome, and no cycle of the classifier runs: its process was killed."""
    if not runs or runs[-1].ended or now - read_time(runs[-1].ts) < _YOUNG or is_locked(home.cycle_lock(name)):
        return
    text = f"week {runs[-1].week}: the cycle's process ended without a word"
    yield _of_run(name, runs[-1], "failed", text, links.run(runs[-1].run))


def list_given_up(home: Home, name: str, links: Links) -> Iterator[Occurrence]:
    """Yield each move that a sensor asks for no more since its runs failed."""
    for what, each in read_given_up(home, name).items():
        line = make_line(name, f"{what} given up: {each['reason']}")
        yield Occurrence(f"{name}:{what}:{each['since']}", "failed", name, each["since"], line, links.rollout(name))


def unreadable(name: str, reason: str, now: str, links: Links) -> Occurrence:
    """Return the occurrence that state of a classifier cannot be read; the same reason has the same id."""
    mark = hashlib.sha256(reason.encode(errors="replace")).hexdigest()[:8]
    line = make_line(name, f"cannot be read: {reason}")
    return Occurrence(f"{name}:unreadable:{mark}", "failed", name, now, line, links.home(), past=False)


def _of_run(name: str, line: RunLine, event: str, text: str, link: str) -> Occurrence:
    return Occurrence(f"{name}:{line.week}:{line.run[:8]}:{event}", event, name, line.ts, make_line(name, text), link)
