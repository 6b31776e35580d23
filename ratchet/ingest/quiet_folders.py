"""Marks of landing folders in which nothing was new, so that the next look of this process costs a few stats only.

Sensors look every minute, and a gateway seals a segment a minute: without a mark each look reads of every segment that
ever landed. Add here what else can make rows appear; what is new is found by `loader.py`.
"""

import os
import time
from datetime import datetime
from pathlib import Path

from ratchet.config.spec import Spec
from ratchet.data.records import KINDS
from ratchet.ingest.row_counts import find_uncounted
from ratchet.ingest.segment_names import is_segment
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import is_sealed

_Mark = tuple[tuple[int, int, int, int], ...]
_QUIET: dict[Path, tuple[_Mark, tuple[Path, ...], object, datetime | None]] = {}
"""By classifier's folder: the mark, the files of others that it covers, which can change without a new name, the rules
of the specification, since what it refuses now it may take later, and the time that the first waiting row waits for."""
_SETTLED_NS = 2_000_000_000
"""A folder must have been still for so long: file systems tell time in steps of some milliseconds."""


def is_quiet(home: Home, spec: Spec, now: datetime) -> bool:
    """Return True where everything is as it was when a look was confirmed last, and no row waited for `now` (aware).

    Without the counts of the last intake nothing is quiet: the next look counts again.
    """
    mark, others, rules, until = _QUIET.get(home.classifier(spec.name), ((), (), None, None))
    return (
        mark != ()
        and rules == _rules(spec)
        and (until is None or now < until)
        and not find_uncounted(home, spec.name)
        and _stats(home, spec.name, others) == mark
    )


class QuietLook:
    """A look that began now: `confirm` it with the first time that a row waits for."""

    def __init__(self, home: Home, spec: Spec) -> None:
        self._home, self._name, self._others = home, spec.name, tuple(_files_of_others(home, spec.name))
        self._before, self._began_ns = _stats(home, spec.name, self._others), time.time_ns()
        self._rules = _rules(spec)

    def confirm(self, until: datetime | None) -> None:
        """Let later looks of this process take what it saw for quiet, unless a folder changed a moment ago."""
        still = all(changed < self._began_ns - _SETTLED_NS for _, changed, _, _ in self._before)
        if still and _stats(self._home, self._name, self._others) == self._before:
            _QUIET[self._home.classifier(self._name)] = self._before, self._others, self._rules, until


def _rules(spec: Spec) -> object:
    return spec.labels, spec.max_text_chars, dict(spec.people)


def _files_of_others(home: Home, name: str) -> list[Path]:
    found: list[Path] = []
    for kind in KINDS:
        folder = home.landing(name, kind)
        names = os.listdir(folder) if folder.is_dir() else ()  # noqa: PTH208 - a Path for each of many costs time
        found += [folder / each for each in sorted(names) if not (is_segment(each) or is_sealed(each))]
    return found


def _stats(home: Home, name: str, others: tuple[Path, ...]) -> _Mark:
    """Return size, time, inode and rights of all that says that something arrived; zeros for what is missing.

    The warehouse counts by its inode alone, since every look may touch it.
    """
    marks = [_stat(path) for path in (home.manifest(name), *(home.landing(name, kind) for kind in KINDS), *others)]
    return (*marks, (0, 0, _stat(home.warehouse(name))[2], 0))


def _stat(path: Path) -> tuple[int, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0, 0
    return found.st_size, found.st_mtime_ns, found.st_ino, found.st_mode
