"""Listener for the events of a run: all go into the log, those that matter to a person are shown.

Add here which events are worth a line; lines are shown by `progress.py`.
"""

import logging
from datetime import UTC, datetime
from typing import TextIO

import dagster as dg

from assets.metadata import without_week
from orchestration.cli.progress import StageProgress
from orchestration.run_results import stage_of

_KINDS = dg.DagsterEventType
_NOISE = ("[pipes]", "Dependencies for step")


class RunListener:
    """Listener that Dagster calls with each event of one run, on the thread that runs it."""

    def __init__(self, progress: StageProgress, journal: TextIO) -> None:
        self._progress, self._journal = progress, journal
        self._reasons: dict[str, str] = {}

    def __call__(self, entry: dg.EventLogEntry) -> None:
        """Write the event to the log, and show what a person wants to know."""
        stamp = datetime.fromtimestamp(entry.timestamp, UTC).isoformat(timespec="milliseconds")
        event, stage = entry.dagster_event, stage_of(entry.step_key or "")
        print(f"{stamp} {stage or 'run'}: {entry.message}", file=self._journal, flush=True)
        if event is None:
            if int(entry.level) >= logging.INFO and not entry.user_message.startswith(_NOISE):
                self._progress.note(entry.user_message)
        elif event.event_type is _KINDS.STEP_START:
            self._progress.begin(stage)
        elif event.event_type is _KINDS.ASSET_CHECK_EVALUATION:
            result = event.asset_check_evaluation_data
            self._reasons[result.check_name] = without_week(result.description or "")
        elif event.event_type is _KINDS.STEP_SUCCESS:
            self._progress.end(stage, "done", self._reasons.get(stage, ""))
        elif event.event_type is _KINDS.STEP_FAILURE:
            self._progress.end(stage, "blocked" if stage in self._reasons else "failed", self._reasons.get(stage, ""))
