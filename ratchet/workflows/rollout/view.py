"""One rollout read from its files, for the page and the metrics. Creates nothing, and opens no warehouse.

Add here a file that the page reads; the content of the page is `ratchet/rollout/page/view.py`.
"""

import json
from dataclasses import replace
from datetime import datetime

from ratchet.rollout.page.last_decision import LastDecision, read_last_decision
from ratchet.rollout.page.view import View, view_rollout
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.workflows.rollout.describe_pause import explain_pause, find_waiting
from ratchet.workflows.rollout.sealing import promotion_or_default


def load_view(home: Home, classifier: str, now: datetime) -> View:
    """Return the view of a classifier's rollout; raises `RatchetError` for a broken ledger."""
    entries, newest = Ledger(home).entries(classifier), load_last_decision(home, classifier)
    view = view_rollout(classifier, promotion_or_default(home, classifier, entries)[0], entries, newest, now)
    pause = explain_pause(home, classifier, newest.sentence if newest else "", now)
    return replace(view, pause=pause, waiting=find_waiting(home, classifier) if view.other else "")


def load_last_decision(home: Home, classifier: str) -> LastDecision | None:
    """Return the decision that the promoter saved last; None when there is none that can be read."""
    try:
        return read_last_decision(json.loads(home.rollout(classifier).read_bytes()))
    except (OSError, ValueError, RecursionError):
        return None
