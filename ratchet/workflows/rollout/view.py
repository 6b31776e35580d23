"""One rollout as its files tell it, for the page and the metrics. Reads only, creates nothing, and opens no warehouse.

Add here a file that the page must look into; what follows from it is `ratchet/rollout/page/view.py`.
"""

import json
from datetime import datetime

from ratchet.rollout.page.last_decision import LastDecision, read_last_decision
from ratchet.rollout.page.view import View, view_rollout
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs


def load_view(home: Home, classifier: str, now: datetime) -> View:
    """The view of a classifier's rollout; raises `RatchetError` for a ledger or specification that is broken."""
    return view_rollout(
        classifier,
        Specs(home)[classifier].promotion,
        Ledger(home).entries(classifier),
        load_last_decision(home, classifier),
        now,
    )


def load_last_decision(home: Home, classifier: str) -> LastDecision | None:
    """The decision that the promoter remembered last; None when there is none that can be read."""
    try:
        return read_last_decision(json.loads(home.rollout(classifier).read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None
