"""Dagster home: its creation, its upgrades, and the instance that the command and the UI share.

Add here what an older Dagster home needs; its settings are in `dagster_settings.py`, what runs in `definitions.py`.
`python -m orchestration.instance` prepares the folder that `DAGSTER_HOME` names.
"""

import fcntl
import os
from pathlib import Path

import dagster as dg

from orchestration.dagster_settings import write_settings
from orchestration.instigator_renames import rename_instigators
from ratchet.core.files import write_atomically

FORM = "names of schedules and sensors: 2, settings: 3"
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
            write_settings(folder)
            with dg.DagsterInstance.from_config(str(folder)) as instance:
                rename_instigators(instance)
            write_atomically(prepared, FORM.encode())
    return folder


def open_instance(folder: Path) -> dg.DagsterInstance:
    """Open the persistent instance at `folder`; a context manager."""
    return dg.DagsterInstance.from_config(str(prepare_dagster_home(folder)))


if __name__ == "__main__":
    prepare_dagster_home(Path(os.environ["DAGSTER_HOME"]))
