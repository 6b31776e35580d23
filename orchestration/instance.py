"""Dagster's own home: its settings file, written once, and the instance that the command and the UI share.

Add here settings of the instance (retention, concurrency, monitoring); what runs is said in `definitions.py`.
`python -m orchestration.instance` prepares the folder that `DAGSTER_HOME` names.
"""

import os
from pathlib import Path

import dagster as dg

from ratchet.files import write_atomically

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
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  poll_interval_seconds: 30
retention:
  schedule: {purge_after_days: 90}
  sensor: {purge_after_days: {skipped: 7, failure: 30, success: -1}}
"""


def prepare_dagster_home(folder: Path) -> Path:
    """Create `folder` with a `dagster.yaml` where there is none, and return it."""
    if not (folder / "dagster.yaml").exists():
        write_atomically(folder / "dagster.yaml", SETTINGS.encode())
    return folder


def open_instance(folder: Path) -> dg.DagsterInstance:
    """The persistent instance at `folder`; a context manager."""
    return dg.DagsterInstance.from_config(str(prepare_dagster_home(folder)))


if __name__ == "__main__":
    prepare_dagster_home(Path(os.environ["DAGSTER_HOME"]))
