"""Run queue that tags weekly cycles, so that limits of `dagster.yaml` on the tag hold for cycles and for nothing else.

Schedules and sensors could set the tag themselves; launches from the UI and backfills cannot, so it is set where all
of them pass. Add here what every submitted run must carry.
"""

import dagster as dg
from dagster._core.run_coordinator.base import SubmitRunContext  # Dagster has no public name for it

from resources.run_locks import CYCLE_TAG, cycle_classifier


class CycleRunCoordinator(dg.QueuedRunCoordinator[dg.DagsterInstance]):
    """Dagster's queue, for runs that are tagged by `CYCLE_TAG` where they belong to a weekly cycle."""

    def submit_run(self, context: SubmitRunContext) -> dg.DagsterRun:
        """Tag the run and put it into the queue."""
        run = context.dagster_run
        classifier = cycle_classifier(run)
        if classifier is not None and run.tags.get(CYCLE_TAG) != classifier:
            self._instance.add_run_tags(run.run_id, {CYCLE_TAG: classifier})
        return super().submit_run(context)
