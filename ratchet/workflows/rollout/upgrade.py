"""Upgrade of a home of before at the start of a gateway: its policy is sealed, or the log says why not.

Add here what a new version must do once before it serves; what is sealed is `sealing.py`.
"""

from ratchet.core.errors import RatchetError
from ratchet.rollout.state import state_after
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.rollout.signing_key import can_sign
from ratchet.workflows.rollout.reconcile import reconcile


def seal_at_start(home: Home, classifier: str) -> str:
    """Seal the policy of a classifier whose ledger holds none; return the reason where that is not possible.

    Empty where it is sealed, and where nothing is live.
    """
    try:
        if not _lacks_policy(home, classifier):
            return ""
        if not can_sign(home):
            return (
                f"its policy is not sealed, and this process cannot read {home.signing_key.name}: until"
                f" 'ratchet advance {classifier}' runs as the user who can, classifier.toml counts as it is"
            )
        reconcile(home, classifier)
        if _lacks_policy(home, classifier):
            return (
                "its policy is not sealed, since classifier.toml cannot be read; the next command seals it once it can"
            )
    except (RatchetError, OSError) as error:
        return f"its policy could not be sealed: {error.message if isinstance(error, RatchetError) else error}"
    return ""


def _lacks_policy(home: Home, classifier: str) -> bool:
    entries = Ledger(home).entries(classifier)
    return state_after(entries).live is not None and not any(entry.policy for entry in entries)
