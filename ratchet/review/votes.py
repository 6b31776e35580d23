"""Votes on a queued request: when it has enough of them, when people disagree, and whom it may be shown to.

Add here a rule on who answers; what becomes of the labels in a cycle is `ratchet/data/consensus.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WAITING, CONFLICT, DONE, LEFT = "waiting", "conflict", "done", "left"
"""States of a request; it has `left` the queue where no reason to ask for a label counts any more."""


@dataclass(frozen=True)
class Vote:
    """Newest answer of one person on one request."""

    person: str
    verdict: str
    """Label, or `none` or `cannot_tell` with a leading zero byte, so that no label is like it."""
    ts: datetime
    blind: bool
    withdrawn: bool = False
    adjudicates: bool = False


def judge_votes(votes: Sequence[Vote], needed: int, asked_again: datetime | None = None) -> str:
    """Return `waiting`, `conflict` or `done` for a request that needs `needed` blind votes.

    Votes from before `asked_again` are not enough by themselves. A conflict ends by an adjudication or a majority.
    """
    blind = [vote for vote in votes if vote.blind and not vote.withdrawn]
    if asked_again is not None:
        fresh = [vote for vote in blind if vote.ts >= asked_again]
        blind, needed = (fresh, 1) if fresh else (blind, len(blind) + 1)
    if any(vote.adjudicates for vote in blind):
        return DONE
    counts = sorted(sum(vote.verdict == verdict for vote in blind) for verdict in {v.verdict for v in blind})
    if len(counts) > 1 and counts[-1] == counts[-2]:
        return CONFLICT
    return DONE if len(blind) >= needed else WAITING


def is_undecided(votes: Sequence[Vote], differ_since: datetime | None) -> bool:
    """Return True where nobody adjudicated or answered blindly since the labels of a request were found to differ."""
    blind = [vote for vote in votes if vote.blind and not vote.withdrawn]
    return not any(vote.adjudicates or differ_since is None or vote.ts >= differ_since for vote in blind)


def may_answer(
    person: str, state: str, votes: Sequence[Vote], asked_again: datetime | None, *, adjudicates: bool = True
) -> bool:
    """Return True where `person` may be asked: who answered already is not, nor who may not adjudicate a conflict."""
    own = [vote for vote in votes if vote.person == person and not vote.withdrawn]
    if state == CONFLICT:
        return not own and adjudicates
    return state == WAITING and not any(asked_again is None or vote.ts >= asked_again for vote in own)


def open_votes(state: str, votes: Sequence[Vote], needed: int, asked_again: datetime | None) -> int:
    """Return how many people may hold the request at once: one for each vote that it still lacks."""
    if state != WAITING or asked_again is not None:
        return int(state != DONE)
    return max(1, needed - sum(vote.blind and not vote.withdrawn for vote in votes))
