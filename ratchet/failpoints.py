"""Failpoints: named lines where a test may kill the process, to prove that the next run understands what is left.

Add a name to `NAMES` and call `failpoint(name)` at the line; a test enumerates `NAMES` and requires that each is reached.
Set `RATCHET_FAILPOINT=name:kill` in the environment of the process under test. Unset, a failpoint costs one look-up.
"""

import os
import signal

VARIABLE = "RATCHET_FAILPOINT"

NAMES: tuple[str, ...] = (
    "landing.after_rejects",
    "landing.after_segment",
    "landing.after_manifest",
    "landing.before_commit",
    "landing.after_commit",
    "journal.before_write",
    "journal.before_sync",
    "journal.before_answer",
    "journal.after_segment",
    "ledger.before_checkpoint",
    "promotion.after_ledger",
    "flags.before_write",
    "flags.after_write",
    "warehouse.after_move_aside",
    "adapter_store.before_rename",
    "training.after_epoch",
    "training.before_result",
)
"""Every failpoint of the product, by the module that holds it."""


def failpoint(name: str) -> None:
    """Kill this process with SIGKILL when the environment asks for it at `name`. Raises `ValueError` for a name not in `NAMES`."""
    wanted = os.environ.get(VARIABLE)
    if wanted is None:
        return
    if name not in NAMES:
        raise ValueError(f"failpoint {name!r} is not listed in ratchet.failpoints.NAMES")
    if wanted == f"{name}:kill":
        os.kill(os.getpid(), signal.SIGKILL)
