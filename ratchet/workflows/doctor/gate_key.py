"""Findings about the key that signs receipts: there, and in force in each ledger.

Add here what can be wrong with it; it is replaced by `ratchet/workflows/rollout/gate_keys.py`.
"""

from collections.abc import Iterator

from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.workflows.doctor.findings import Finding
from ratchet.workflows.rollout.gate_keys import read_gate_keys


def examine_gate_key(home: Home) -> Iterator[Finding]:
    """Say whether the key that signs receipts is there, and in force in each ledger."""
    try:
        found = read_gate_keys(home)
    except (RatchetError, OSError):
        return  # a ledger that cannot be read is a finding of its own
    if not found.home and not any(found.in_force.values()):
        return  # the first check makes it
    hint = "Restore it from a backup, or make another: ratchet gate-key --new --why TEXT."
    if not found.home or not home.gate_key.exists():
        yield Finding("gate key", "warn", "it is missing, so that no receipt can be signed", hint)
    elif found.behind:
        late = f"{found.home[:12]} is not the one in force for {', '.join(found.behind)}, so nothing new of them enters"
        yield Finding("gate key", "warn", late, "Enter it: ratchet gate-key --why TEXT; or restore the former pair.")
    else:
        yield Finding("gate key", "ok", f"{found.home[:12]} signs receipts")
