"""Dagster home: its settings file, written once, its upgrades, and the instance that the command and the UI share.

Add here settings of the instance (retention, concurrency, monitoring); what runs is listed in `definitions.py`.
`python -m orchestration.instance` prepares the folder that `DAGSTER_HOME` names.
"""

import fcntl
import os
from pathlib import Path

import dagster as dg

from orchestration.instigator_renames import rename_instigators
from ratchet.core.files import write_atomically

SETTINGS = """\
# Written by Ratchet when it is missing; yours to edit.
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    default_limit: 1        # one step at a time opens the warehouse, one trains
    granularity: op
run_launcher:
  module: orchestration.run_launcher
  class: LeasedRunLauncher  # Dagster's own, which also knows a run whose process is gone
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  poll_interval_seconds: 30
  free_slots_after_run_end_seconds: 10   # a killed run gives its place in a pool back
run_retries:
  enabled: true
  max_retries: 0            # a job's tag asks for more
  retry_on_asset_or_op_failure: false   # blocked data stay blocked; a killed run is begun again
retention:
  schedule: {purge_after_days: 90}
  sensor: {purge_after_days: {skipped: 7, failure: 30, success: -1}}
"""

FORM = "names of schedules and sensors: 2"
"""Content of `.prepared`; a folder with another one is upgraded."""


def prepare_dagster_home(folder: Path) -> Path:
    """Create `folder` with its settings and databases where there are none, upgrade an older one, and return it.

    Dagster's processes each create the missing databases when they start; two at once (webserver and daemon of a new
    home) trip over each other, and the code location then fails to load. So they are created here, by one process at a
    time.
    """
    prepared = folder / ".prepared"
    if prepared.exists() and prepared.read_text() == FORM:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not prepared.exists() or prepared.read_text() != FORM:
            if not (folder / "dagster.yaml").exists():
                write_atomically(folder / "dagster.yaml", SETTINGS.encode())
            with dg.DagsterInstance.from_config(str(folder)) as instance:
                rename_instigators(instance)
            write_atomically(prepared, FORM.encode())
    return folder


def open_instance(folder: Path) -> dg.DagsterInstance:
    """Open the persistent instance at `folder`; a context manager."""
    return dg.DagsterInstance.from_config(str(prepare_dagster_home(folder)))


if __name__ == "__main__":
    prepare_dagster_home(Path(os.environ["DAGSTER_HOME"]))
