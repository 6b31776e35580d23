"""Reviewed disagreements of live and candidate: enough of them start a cycle early, once no candidate is compared.

Add here another sign in the review queue that a cycle should not wait for its Monday; corrections in general are
counted by `orchestration/feedback.py`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from ratchet.config.spec import Spec
from ratchet.review.reasons import DISAGREEMENT, EVIDENCE
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.run_history import newest_run_s
from ratchet.workflows.review.waiting import count_reviewed


@dataclass(frozen=True)
class ReviewedDisagreements:
    """Decision whether a cycle starts, and why, in one sentence."""

    start: bool
    sentence: str


def weigh_disagreements(home: Home, name: str, spec: Spec) -> ReviewedDisagreements:
    """Decide whether enough disagreements were reviewed since the last cycle.

    While a candidate is compared, its rollout needs these labels: a new cycle would end it without a verdict. Raises
    `RatchetError` for a ledger that cannot be believed.
    """
    enough = spec.review.early_after_disagreements
    if not enough:
        return ReviewedDisagreements(False, "")
    if Ledger(home).state(name).compared is not None:
        return ReviewedDisagreements(
            False, "A candidate is compared with live, which needs the reviewed disagreements."
        )
    since = datetime.fromtimestamp(newest_run_s(home, name) or 0.0, UTC)
    reviewed = count_reviewed(home, name, spec, (DISAGREEMENT, EVIDENCE), since)
    sentence = f"{reviewed} disagreements were reviewed since the last cycle, {enough} start one early."
    return ReviewedDisagreements(reviewed >= enough, sentence)
