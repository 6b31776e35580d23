"""Failpoints: named lines where a test can make the process fail, to prove that the next run recovers.

Add a name to `NAMES` and call `failpoint(name)` at the line. `RATCHET_FAILPOINT=name:action` in the environment of the
process under test triggers one: `kill` (SIGKILL), `sleep:MS`, `enospc` (OSError, the disk is full) or `raise`. A full
test run fails when a failpoint was never reached. Unset, a failpoint costs one dictionary look-up.
"""

import errno
import os
import signal
import time
from pathlib import Path

VARIABLE = "RATCHET_FAILPOINT"
REACHED = "RATCHET_FAILPOINTS_REACHED"
"""Variable that names a folder in which every triggered failpoint leaves a file of its name."""

NAMES: tuple[str, ...] = (
    "landing.before_read",
    "trial_reading.before_read",
    "landing.after_rejects",
    "landing.after_segment",
    "landing.after_manifest",
    "landing.before_commit",
    "landing.after_commit",
    "journal.before_write",
    "journal.before_sync",
    "journal.before_answer",
    "journal.after_segment",
    "review.before_write",
    "review.before_sync",
    "keys.before_private",
    "keys.after_private",
    "receipts.before_write",
    "ledger.before_checkpoint",
    "promotion.after_ledger",
    "quarantine.before_line",
    "quarantine.before_checkpoint",
    "signed_lines.before_line",
    "signed_lines.before_checkpoint",
    "suspension.after_line",
    "reinstatement.after_line",
    "labels.after_rule",
    "review.before_answer",
    "review.after_answer",
    "review.after_segment",
    "review.before_export",
    "review.after_import",
    "flags.before_write",
    "flags.after_write",
    "warehouse.after_move_aside",
    "adapter_store.before_rename",
    "exports.before_rename",
    "label_studio.before_import",
    "label_studio.after_import",
    "label_studio.after_marker",
    "label_studio.after_seen",
    "label_studio.after_landing",
    "publishing.before_commit",
    "publishing.after_commit",
    "publishing.before_tag",
    "publishing.after_tag",
    "alerts.after_due",
    "alerts.before_message",
    "alerts.after_message",
    "alerts.before_outcome",
    "alerts.after_outcome",
    "training.whole_batch",
    "training.second_process",
    "training.after_epoch",
    "training.after_watched_epoch",
    "training.before_result",
)
"""Every failpoint of the product, grouped by module."""


class FailpointError(Exception):
    """Unexpected error, as raised by the action `raise`."""


def failpoint(name: str) -> None:
    """Fail at `name` if the environment asks for it.

    Raises `ValueError` for a name that is not in `NAMES` and for an unknown action.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    if name not in NAMES:
        raise ValueError(f"failpoint {name!r} is not listed in ratchet.core.failpoints.NAMES")
    point, _, action = wanted.partition(":")
    if point == name:
        _act(name, action)


def unreached(folder: Path) -> list[str]:
    """Return the failpoints that left no file in `folder`."""
    return [name for name in NAMES if not (folder / name).exists()]


def _act(name: str, action: str) -> None:
    if reached := os.environ.get(REACHED):
        (Path(reached) / name).touch()
    kind, _, argument = action.partition(":")
    match kind:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "sleep":
            time.sleep(int(argument) / 1000)
        case "enospc":
            raise OSError(errno.ENOSPC, f"no space left on device (failpoint {name})")
        case "raise":
            raise FailpointError(name)
        case _:
            raise ValueError(f"{VARIABLE} has the action {action!r}; use kill, sleep:MS, enospc or raise")
