"""What a ledger amounts to: every action, from every state it may follow, and none that it may not."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ratchet.core.errors import RatchetError
from ratchet.rollout.ledger_entry import ACTIONS, GENESIS, Entry
from ratchet.rollout.state import RolloutState, apply_entry, state_after

A, B, C = "a" * 64, "b" * 64, "c" * 64
Move = tuple[str, str, str | None, int]


def chain(moves: Sequence[Move]) -> list[Entry]:
    """Entries of these moves: action, adapter, what it takes away, percent."""
    entries: list[Entry] = []
    for action, adapter, gone, percent in moves:
        previous = entries[-1].digest if entries else GENESIS
        ts = "2026-03-02T00:00:00+00:00"
        entries.append(
            Entry(
                len(entries) + 1, ts, "ann", action, "why", gone, adapter, "2026-02-23", {}, previous, percent,
                policy={"schema": 1} if action == "policy" else {},
                gate_key="k" * 64 if action == "gate_key" else "",
            )
        )  # fmt: skip
    return entries


FIRST: list[Move] = [("promote", A, None, 0)]
SHADOWING: list[Move] = [*FIRST, ("shadow", B, A, 0)]
STEPPING: list[Move] = [*SHADOWING, ("step", B, A, 25)]
WATCHED: list[Move] = [*STEPPING, ("promote", B, A, 0)]

AMOUNTS: dict[str, tuple[list[Move], dict[str, object]]] = {
    "nothing": ([], {"live": None, "compared": None}),
    "the first": (FIRST, {"live": A, "challenger": None, "compared": None}),
    "a shadow": (SHADOWING, {"live": A, "challenger": B, "percent": 0, "compared": (A, B)}),
    "another shadow in its place": ([*SHADOWING, ("shadow", C, A, 0)], {"challenger": C, "compared": (A, C)}),
    "a newer candidate starts at the bottom": (
        [*STEPPING, ("hold", A, A, 0), ("shadow", C, A, 0)],
        {"challenger": C, "percent": 0, "held": True},
    ),
    "a step": (STEPPING, {"live": A, "refuge": A, "challenger": B, "percent": 25}),
    "a stop": ([*STEPPING, ("hold", A, A, 0)], {"percent": 25, "held": True}),
    "a stop that is lifted": ([*STEPPING, ("hold", A, A, 0), ("resume", A, A, 0)], {"percent": 25, "held": False}),
    "the last step": (WATCHED, {"live": B, "challenger": None, "watched_by": A, "compared": (A, B), "refuge": A}),
    "the end of the watch": ([*WATCHED, ("release", B, A, 0)], {"live": B, "watched_by": None, "compared": None}),
    "the watch takes over": (
        [*WATCHED, ("rollback", A, B, 0)],
        {"live": A, "watched_by": None, "refuge": None, "barred": {B: frozenset()}},
    ),
    "a kill": ([*STEPPING, ("kill", A, A, 0)], {"killed": True, "percent": 25, "switched": 4}),
    "a kill that is lifted": (
        [*STEPPING, ("kill", A, A, 0), ("unkill", A, A, 0)],
        {"killed": False, "percent": 25, "switched": 5},
    ),
    "a kill outlasts the candidate": (
        [*STEPPING, ("kill", A, A, 0), ("rollback", A, B, 0)],
        {"killed": True, "challenger": None},
    ),
    "a policy": ([*STEPPING, ("policy", A, A, 0)], {"live": A, "challenger": B, "percent": 25}),
    "a gate key": ([*STEPPING, ("gate_key", A, A, 0)], {"live": A, "challenger": B, "gate_key": "k" * 64}),
    "a rejection": ([*SHADOWING, ("reject", A, B, 0)], {"live": A, "challenger": None, "barred": {B: frozenset()}}),
    "an expiry": ([*SHADOWING, ("expire", A, B, 0)], {"live": A, "challenger": None, "barred": {}}),
    "a rollback": (
        [*STEPPING, ("rollback", A, B, 0)],
        {"live": A, "percent": 0, "challenger": None, "barred": {B: frozenset()}},
    ),
}


@pytest.mark.parametrize("case", AMOUNTS)
def test_entries_amount_to_a_standing(case: str) -> None:
    """By the table."""
    moves, expected = AMOUNTS[case]
    found = state_after(chain(moves))
    assert {name: getattr(found, name) for name in expected} == expected
    assert found.head.sequence == len(moves)


def test_a_rollout_keeps_the_hashing_that_its_first_entry_named() -> None:
    """One of before named none: it goes on as it began, through steps and holds, and the next one has ours."""
    moves = [*STEPPING, ("hold", A, A, 0), ("resume", A, A, 0), ("step", B, A, 50)]
    for named, expected in (("", "fractional-v3"), ("fractional-v2", "fractional-v2")):
        entries = [replace(entry, bucketing=named if entry.action == "shadow" else "") for entry in chain(moves)]
        assert {state_after(entries[:count]).as_rollout().bucketing for count in range(3, 7)} == {expected}
        shadow = replace(chain([*moves, ("shadow", C, A, 0)])[-1], bucketing="fractional-v2")
        assert state_after([*entries, shadow]).bucketing == "fractional-v2"
    assert "bucketing" not in chain(FIRST)[0].as_json()


IMPOSSIBLE: dict[str, list[Move]] = {
    "a shadow before anything is live": [("shadow", A, None, 0)],
    "live is promoted again": [*FIRST, ("promote", A, A, 0)],
    "live shadows itself": [*FIRST, ("shadow", A, A, 0)],
    "a step of nobody": [*FIRST, ("step", B, A, 5)],
    "a step of another": [*SHADOWING, ("step", C, A, 5)],
    "a step back": [*STEPPING, ("step", B, A, 5)],
    "a step to everyone": [*SHADOWING, ("step", B, A, 100)],
    "what shadows is put into the shadow again": [*SHADOWING, ("shadow", B, A, 0)],
    "a rejected adapter shadows again": [*SHADOWING, ("reject", A, B, 0), ("shadow", B, A, 0)],
    "a rolled back adapter is promoted": [*STEPPING, ("rollback", A, B, 0), ("promote", B, A, 0)],
    "a rollback to a barred adapter": [*WATCHED, ("rollback", A, B, 0), ("rollback", B, A, 0)],
    "a rollback to what was never live": [*WATCHED, ("rollback", C, B, 0)],
    "a rollback of the first": [*FIRST, ("rollback", B, A, 0)],
    "a live adapter is taken away while another climbs": [*STEPPING, ("rollback", B, A, 0)],
    "a release without a watch": [*FIRST, ("release", A, None, 0)],
    "a stop of a stopped ladder": [*STEPPING, ("hold", A, A, 0), ("hold", A, A, 0)],
    "a resume of what runs": [*STEPPING, ("resume", A, A, 0)],
    "a kill before anything is live": [("kill", A, None, 0)],
    "a policy before anything is live": [("policy", A, None, 0)],
    "a gate key before anything is live": [("gate_key", A, None, 0)],
    "an unknown action": [*FIRST, ("delete", A, B, 0)],
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_an_impossible_move_is_refused(case: str) -> None:
    """By code `bad_move`; the entries before it stand."""
    entries = chain(IMPOSSIBLE[case])
    before = state_after(entries[:-1])
    with pytest.raises(RatchetError) as caught:
        apply_entry(before, entries[-1])
    assert caught.value.code == "bad_move"


def test_every_action_is_in_the_tables() -> None:
    """So that a new one is tested."""
    seen = {move[0] for moves, _ in AMOUNTS.values() for move in moves}
    assert seen == set(ACTIONS)


def test_the_rollout_shows_users_the_challenger_only_from_a_step_on() -> None:
    """A shadow answers nobody; the share and the kill switch pass through."""
    shadowing, stepping, watched = (state_after(chain(moves)) for moves in (SHADOWING, STEPPING, WATCHED))
    assert (shadowing.as_rollout(0.5).adapters, shadowing.as_rollout(0.5).shadow_share) == (
        {"live": A, "shadow": B},
        0.5,
    )
    assert stepping.as_rollout().adapters == {"live": A, "candidate": B, "shadow": B}
    assert (stepping.as_rollout().percent, stepping.as_rollout(killed=True).served_percent) == (25, 0)
    assert watched.as_rollout().adapters == {"live": B, "shadow": A}
    with pytest.raises(ValueError, match="nothing is live"):
        RolloutState().as_rollout()


def test_a_barred_adapter_enters_again_only_on_new_evidence() -> None:
    """Receipts of another run of its cycle."""
    entries = chain([*STEPPING, ("rollback", A, B, 0)])
    state = state_after(entries)
    again = replace(entries[1], sequence=5, previous=entries[-1].digest)
    with pytest.raises(RatchetError):
        apply_entry(state, again)
    assert apply_entry(state, replace(again, receipts={"leakage": "new"})).challenger == B
