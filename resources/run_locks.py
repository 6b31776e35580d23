"""Locks that a run holds while it is alive: its lease and, where it is a weekly cycle, the lock of its classifier.

The stores of `storage.py` take them, so that every run that opens a store holds them. Add here what else only one run
may do at a time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from ratchet.storage.home import Home
from ratchet.storage.locks.leases import Leases
from ratchet.storage.locks.process_locks import hold_lock

CYCLE_TAG = "ratchet/cycle"
"""Tag of the runs that belong to a weekly cycle, and of no other; its value is the classifier."""
_PUBLICATION = ("publication", "published_adapter")
"""Job and asset of publications: of a classifier and a week, but no part of its cycle."""


@contextmanager
def hold_run_locks(context: dg.InitResourceContext, home: Home) -> Iterator[None]:
    """Hold what the run of `context` must hold; a sensor or a test has no run, and holds nothing."""
    if context.instance is None or context.run is None:
        yield
        return
    with leases_of(context.instance).hold(context.run.run_id):
        classifier = cycle_classifier(context.run)
        if classifier is None:
            yield
            return
        say = context.log.info if context.log else print
        with hold_lock(home.cycle_lock(classifier), f"the cycle of {classifier}, run {context.run.run_id[:8]},", say):
            yield


def cycle_classifier(run: dg.DagsterRun) -> str | None:
    """Return the classifier whose weekly cycle `run` is a part of, also by single steps; None for every other run."""
    job, asset = _PUBLICATION
    steps = {each.to_user_string() for each in run.asset_selection or ()}
    key = run.tags.get("dagster/partition", "")
    if "|" not in key or run.job_name == job or steps == {asset}:
        return None
    return key.partition("|")[0]


def classifier_of(context: dg.InitResourceContext) -> str | None:
    """Return the classifier of the run's partition; None outside of a run, and for one without a partition."""
    key = context.run.tags.get("dagster/partition") if context.run else None
    return key.partition("|")[0] if key else None


def leases_of(instance: dg.DagsterInstance) -> Leases:
    """Return the leases of the runs of `instance`, in its own folder: whoever shares the one shares the other."""
    return Leases(Path(instance.root_directory) / "leases")
