"""Settings file of a Dagster home, `dagster.yaml`: its text, and its upgrade where it is still one that we wrote.

A text that somebody edited is theirs: `ratchet doctor` prints the lines that it lacks. Before you change `SETTINGS`,
add the digest of the released text to `_FORMER`.
"""

from hashlib import sha256
from pathlib import Path

from ratchet.core.files import write_atomically
from ratchet.workflows.doctor.findings import Finding

_FIRST_LINE = "# Written by Ratchet, and replaced by its next version as long as you do not edit it.\n"
_QUEUE = """\
run_coordinator:
  module: orchestration.run_coordinator
  class: CycleRunCoordinator  # Dagster's own queue, which also tags weekly cycles
  config:
    max_concurrent_runs: -1   # promotions and rollbacks never wait
    tag_concurrency_limits:
      - {key: ratchet/cycle, value: {applyLimitPerUniqueValue: true}, limit: 1}  # one cycle of each classifier
      - {key: ratchet/cycle, limit: 2}  # cycles at once; more on a machine with more cores
"""

SETTINGS = (
    _FIRST_LINE
    + _QUEUE
    + """\
telemetry:
  enabled: false
nux:
  enabled: false
run_launcher:
  module: orchestration.run_launcher
  class: LeasedRunLauncher  # Dagster's own, which also knows a run whose process is gone
run_monitoring:
  enabled: true
  start_timeout_seconds: 180
  poll_interval_seconds: 30
run_retries:
  enabled: true
  max_retries: 0            # a job's tag asks for more
  retry_on_asset_or_op_failure: false   # blocked data stay blocked; a killed run is begun again
retention:
  schedule: {purge_after_days: 90}
  sensor: {purge_after_days: {skipped: 7, failure: 30, success: -1}}
"""
)

_FORMER = {
    "e76656f29be812e238fde135d682511552bd4c9dc291d628ca5ab188f6acf545",
    "dd28d0d214ddc9eab5c60a945adbe171ec6f47379003a64d1fb6355b7da6d9d3",
}
"""SHA-256 of each text that an earlier version wrote."""


def write_settings(folder: Path) -> None:
    """Write the settings where there are none, or where they are still the text of an earlier version."""
    path = folder / "dagster.yaml"
    if not path.exists() or _is_former(path):
        write_atomically(path, SETTINGS.encode())


def judge_settings(folder: Path) -> list[Finding]:
    """Return what `ratchet doctor` says of a file that lacks the queue of cycles; nothing of any other."""
    path = folder / "dagster.yaml"
    if not path.exists() or "orchestration.run_coordinator" in path.read_text(encoding="utf-8", errors="replace"):
        return []
    if _is_former(path):
        hint = "Nothing to do: 'make dev' or the next 'ratchet cycle' replaces it."
        return [Finding("dagster.yaml", "warn", f"{path} is as an earlier version wrote it", hint)]
    hint = f"Put these lines there, and remove 'concurrency:' with its pools:\n{_QUEUE}"
    return [Finding("dagster.yaml", "warn", f"{path} was edited, and its run queue does not know cycles", hint)]


def _is_former(path: Path) -> bool:
    return sha256(path.read_bytes()).hexdigest() in _FORMER
