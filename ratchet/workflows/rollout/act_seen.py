"""Actions of a person who saw a page: carried out only while the ledger is as it was on that page.

Add here an action that a page offers. What each does is in `rollback.py`, `advance.py` and `kill.py`; none of them
promotes.
"""

from typing import Literal, get_args

from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import Entry, Head
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.advance import stop_or_resume
from ratchet.workflows.rollout.kill import turn_kill_switch
from ratchet.workflows.rollout.rollback import CHANGED, roll_back_seen

PageAction = Literal["rollback", "hold", "resume", "kill", "unkill"]
PAGE_ACTIONS: tuple[PageAction, ...] = get_args(PageAction)


def act_seen(home: Home, classifier: str, action: PageAction, why: str, seen: Head, *, who: str = "") -> Entry:
    """Carry out `action` on the state whose ledger head is `seen`, and return the entry.

    `who` is the user, if not the one who runs this process. Raises `RatchetError` with code `CHANGED` when the ledger
    has another head, and as the action itself does.
    """
    if action == "rollback":
        return roll_back_seen(home, classifier, why, seen, who=who)
    if action == "kill":  # safe on any state, and possible without a ledger that can be read
        return turn_kill_switch(home, classifier, why, on=True, who=who)
    if Ledger(home).head(classifier) != seen:
        raise RatchetError("The ledger has changed since your page was loaded; nothing was done.", code=CHANGED)
    if action == "unkill":
        return turn_kill_switch(home, classifier, why, on=False, who=who, seen=seen)
    return stop_or_resume(home, classifier, why, lift=action == "resume", who=who, seen=seen)
