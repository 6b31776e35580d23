"""A rollout is a flagd flag: what it says is read back, and what it could not say is refused."""

import itertools
from typing import Any

import pytest
from openfeature.contrib.tools.flagd.core import FlagdCore
from openfeature.evaluation_context import EvaluationContext

from ratchet.core.errors import RatchetError
from ratchet.rollout.flag import Rollout, read_flag
from ratchet.rollout.ledger_entry import Head

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
ROLLOUTS = [
    Rollout(A),
    Rollout(A, B, 0, C, 0.5, head=Head(3, B)),
    Rollout(A, B, 5),
    Rollout(A, B, 100, A),
    Rollout(A, B, 50, killed=True),
    Rollout(A, B, 50, bucketing="fractional-v3"),
]


@pytest.mark.parametrize("rollout", ROLLOUTS)
def test_a_rollout_is_read_back_from_its_flag(rollout: Rollout) -> None:
    """Nothing is lost on the way."""
    assert read_flag(rollout.as_flag()) == rollout


def test_a_flag_of_before_named_no_hashing() -> None:
    """It has the former hashing where a share of users gets the candidate, and needs none where nobody does."""
    former = Rollout(A, B, 25, bucketing="fractional-v3")
    flag = former.as_flag()
    assert flag["metadata"].pop("bucketing") == "fractional-v3"
    assert read_flag(flag) == former
    assert read_flag({**Rollout(A, B, 0, B).as_flag()}) == Rollout(A, B, 0, B)
    assert Rollout(A, B, 25).as_flag()["metadata"]["bucketing"] == "fractional-v2"
    assert "bucketing" not in Rollout(A).as_flag()["metadata"]


def answered(rollout: Rollout, users: int = 2000) -> set[int]:
    """The users that flagd's own evaluator gives the candidate."""
    core = FlagdCore()
    core.set_flags({"flags": {"tickets": rollout.as_flag()}})
    asked = (
        core.resolve_string_value("tickets", rollout.live, EvaluationContext(targeting_key=f"u{n}"))
        for n in range(users)
    )
    return {n for n, found in enumerate(asked) if found.value == rollout.candidate}


def test_users_stay_in_their_bucket_when_the_share_grows() -> None:
    """About the share that was asked for, and nobody who had the candidate loses it at the next step."""
    steps = [answered(Rollout(A, B, percent)) for percent in (0, 5, 25, 50, 100)]
    assert [len(step) / 2000 for step in steps] == pytest.approx([0, 0.05, 0.25, 0.5, 1], abs=0.03)
    assert all(before <= after for before, after in itertools.pairwise(steps))


def test_the_kill_switch_sends_everyone_to_live() -> None:
    """Also at 100 %; and only live is to be loaded."""
    killed = Rollout(A, B, 100, C, killed=True)
    assert answered(killed) == set()
    assert killed.adapters == {"live": A}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"variants": {"live": "x"}}, "live = 'x' is not an adapter digest"),
        ({"variants": []}, "is not an object"),
        ({"variants": {"live": A, "candidate": B, "other": C}}, "that Ratchet does not write"),
        ({"targeting": {"fractional": [["live", 0], ["candidate", 150]]}}, "150 % of users is outside 0..100"),
        ({"targeting": {"fractional": [["live", 50], ["candidate", 0.5]]}}, "not a whole percent"),
        ({"targeting": {"fractional": [["live", 95]]}}, "not a whole percent"),
        ({"targeting": {"if": [True, "candidate"]}}, "of a wrong type"),
        ({"targeting": {"fractional": [["live", 50], ["candidate", 25]]}}, "that Ratchet does not write"),
        ({"state": "ON"}, "that Ratchet does not write"),
        ({"metadata": {"shadow": "../x"}}, "shadow = '../x' is not an adapter digest"),
        ({"metadata": {"ledger_sequence": "3"}}, "of a wrong type"),
        ({"defaultVariant": "candidate"}, "that Ratchet does not write"),
        ({"metadata": {"bucketing": "fractional-v9"}}, "bucketing 'fractional-v9' is not one of fractional-v2"),
        ({"metadata": {"bucketing": 2}}, "bucketing '2' is not one of"),
        ({"metadata": {"bucketing": ["fractional-v2"]}}, "of a wrong type"),
    ],
)
def test_a_flag_that_no_rollout_would_write_is_refused(change: dict[str, Any], said: str) -> None:
    """With what was found and the cure."""
    flag = {**Rollout(A, B, 5).as_flag(), **change}
    with pytest.raises(RatchetError, match=said):
        read_flag(flag)


@pytest.mark.parametrize(
    "settings", [{"percent": 5}, {"candidate": B, "percent": -1}, {"shadow_share": 2.0}, {"candidate": "b"}]
)
def test_a_contradiction_cannot_be_made(settings: dict[str, Any]) -> None:
    """A share without a candidate, shares outside their range, names that are no digest."""
    with pytest.raises(RatchetError):
        Rollout(A, **settings)
