"""Attempts of the runs that sensors ask for: how many failed, and when failing so often is a reason to ask no more.

What failed is given up until something changes: the decision, whose key names the ledger's head, the code, or the day.
Add here what else may let it succeed; `ratchet status` and `doctor` show what is given up.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import dagster as dg

from ratchet.core.digests import digest_json

ATTEMPTS = 3
"""Failed runs of one decision, by the same code and within a day, after which a sensor asks for it no more."""
CODE_TAG = "ratchet/code"
_DAY_S = 86400.0
_PACKAGES = ("orchestration", "assets", "checks", "resources", "ratchet")


class GivenUp(str):
    """Reason for which a sensor asks for no run: the last ones failed. It ends by itself, see the module."""

    __slots__ = ()


@dataclass(frozen=True)
class Failures:
    """Runs of one decision that failed: all of them, and those by this code within the last day."""

    records: tuple[dg.RunRecord, ...]
    recent: int

    @property
    def total(self) -> int:
        """Number of runs: no run key may be used twice."""
        return len(self.records)


def find_failures(
    instance: dg.DagsterInstance,
    tags: dict[str, str],
    now_s: float,
    statuses: tuple[dg.DagsterRunStatus, ...] = (dg.DagsterRunStatus.FAILURE,),
) -> Failures:
    """Find the failed runs with `tags`, as of `now_s` (seconds since 1970)."""
    records = tuple(instance.get_run_records(dg.RunsFilter(statuses=list(statuses), tags=tags)))
    return Failures(records, sum(is_recent(record, now_s) for record in records))


def is_recent(record: dg.RunRecord, now_s: float) -> bool:
    """Return True for a run by this code that ended within a day of `now_s`, also where the clock was set back."""
    same = record.dagster_run.tags.get(CODE_TAG) == code_version()
    return same and abs(now_s - (record.end_time or now_s)) < _DAY_S


@cache
def code_version() -> str:
    """Return a digest of names, sizes and times of the product's modules: a process keeps those that it began with."""
    root = Path(__file__).parents[1]
    paths = (path for package in _PACKAGES for path in sorted((root / package).rglob("*.py")))
    return digest_json(
        [[str(path.relative_to(root)), (stat := path.stat()).st_size, stat.st_mtime_ns] for path in paths]
    )[:16]
