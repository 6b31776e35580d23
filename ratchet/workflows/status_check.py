"""`ratchet status --check`: one line and an exit code for monitoring.

Only what makes answers wrong or a rollback fail counts: the ledger, the flag, the running gateways, and the files of
what serves. Add here another such fault; the whole screen is `status.py`.
"""

from ratchet.core.errors import RatchetError
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.integrity import examine
from ratchet.workflows.rollout.serving_state import compare_serving


def check_classifier(home: Home, name: str) -> tuple[str, str]:
    """Return what serves, and the faults; an empty text for none."""
    try:
        state = state_after(Ledger(home).entries(name))
        if state.live is None:
            return f"{name}: nothing is live", ""
        serving = compare_serving(home, name, state)
        faults = [f"{each.what}: {each.fault}" for each in examine(home, name, state, whole=False) if each.fault]
    except Exception as error:  # noqa: BLE001 - whatever is broken of one classifier, the others are looked at
        message = error.message if isinstance(error, RatchetError) else f"{error}" or type(error).__name__
        return f"{name}: unknown", " ".join(message.split())
    running = len(serving.followers.following) + len(serving.followers.late)
    parts = [f"{name}: live {state.live[:12]} by entry {serving.sequence}"]
    if state.challenger is not None:
        parts.append(f"candidate {state.challenger[:12]} at {state.percent} %")
    if serving.killed:
        parts.append("kill switch on")
    parts.append("no gateway is running" if not running else f"gateways: {running}")
    return ", ".join(parts), "; ".join(filter(None, [serving.gap, *faults]))
