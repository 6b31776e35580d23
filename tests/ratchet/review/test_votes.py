"""Votes on a queued request: when there are enough, when people disagree, and who may be asked."""

from datetime import UTC, datetime, timedelta

import pytest

from ratchet.review.votes import CONFLICT, DONE, WAITING, Vote, judge_votes, may_answer, open_votes

T0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


def vote(person: str, verdict: str, minutes: int = 0, **more: bool) -> Vote:
    """Return a blind vote some minutes after nine."""
    return Vote(person, verdict, T0 + timedelta(minutes=minutes), **{"blind": True, **more})


@pytest.mark.parametrize(
    ("votes", "needed", "asked_again", "state"),
    [
        ([], 1, None, WAITING),
        ([vote("ann", "a")], 1, None, DONE),
        ([vote("ann", "a")], 2, None, WAITING),
        ([vote("ann", "a"), vote("bob", "a")], 2, None, DONE),
        ([vote("ann", "a"), vote("bob", "b")], 2, None, CONFLICT),
        ([vote("ann", "a"), vote("bob", "b")], 1, None, CONFLICT),
        ([vote("ann", "a"), vote("bob", "b"), vote("cem", "b")], 2, None, DONE),
        ([vote("ann", "a"), vote("bob", "b"), vote("cem", "c")], 2, None, CONFLICT),
        ([vote("ann", "a"), vote("bob", "b"), vote("cem", "c", adjudicates=True)], 2, None, DONE),
        ([vote("ann", "a"), vote("bob", "\0none")], 2, None, CONFLICT),
        ([vote("ann", "a", blind=False)], 1, None, WAITING),
        ([vote("ann", "a", withdrawn=True)], 1, None, WAITING),
        ([vote("ann", "a")], 1, T0 + timedelta(minutes=1), WAITING),
        ([vote("ann", "a"), vote("bob", "b", 2)], 1, T0 + timedelta(minutes=1), DONE),
        ([vote("ann", "a"), vote("bob", "b")], 1, T0 + timedelta(minutes=1), CONFLICT),
    ],
    ids=lambda value: "" if isinstance(value, list | datetime) else str(value),
)
def test_votes_give_a_state(votes: list[Vote], needed: int, asked_again: datetime | None, state: str) -> None:
    """A request is done with enough blind votes, a majority or an adjudication, and in conflict without."""
    assert judge_votes(votes, needed, asked_again) == state


def test_only_people_without_an_answer_are_asked() -> None:
    """Who answered is not asked again, unless the request was queued to be asked again; adjudicators decide."""
    votes = [vote("ann", "a"), vote("bob", "b")]
    later = T0 + timedelta(minutes=1)
    assert not may_answer("ann", WAITING, votes[:1], None)
    assert may_answer("bob", WAITING, votes[:1], None)
    assert may_answer("ann", WAITING, votes[:1], later)
    assert not may_answer("ann", CONFLICT, votes, None)
    assert may_answer("cem", CONFLICT, votes, None)
    assert not may_answer("cem", CONFLICT, votes, None, adjudicates=False)
    assert not may_answer("cem", DONE, votes, None)


def test_as_many_people_hold_a_request_as_votes_are_missing() -> None:
    """A request that two people label may be in two hands at once, a conflict in one."""
    assert open_votes(WAITING, [], 2, None) == 2
    assert open_votes(WAITING, [vote("ann", "a")], 2, None) == 1
    assert open_votes(CONFLICT, [vote("ann", "a"), vote("bob", "b")], 2, None) == 1
    assert open_votes(DONE, [vote("ann", "a")], 1, None) == 0
