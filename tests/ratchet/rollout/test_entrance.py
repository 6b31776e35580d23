"""Who shadows next, from ledger and passed cycles alone: by table."""

import pytest

from ratchet.rollout.entrance import PassedCycle, choose_entrant
from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.rollout.state import state_after

A, B, C, D = (letter * 64 for letter in "abcd")
W1, W2, W3, W4 = "2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26"
Move = tuple[str, str, str, str]
"""Action, adapter, week, previous adapter; those by which an adapter enters hold receipts."""

FIRST: Move = ("promote", A, W1, "")
SHADOWS: Move = ("shadow", B, W2, A)
EXPIRED, REJECTED = ("expire", A, W2, B), ("reject", A, W2, B)
AGAIN: Move = ("begin again", A, W2, B)


def write(*moves: Move) -> list[Entry]:
    """The entries of these moves."""
    entries: list[Entry] = []
    for action, adapter, week, previous in moves:
        receipts = {"leakage": adapter} if action in {"promote", "shadow"} else {}
        before = entries[-1].digest if entries else GENESIS
        percent = 5 if action == "step" else 0
        ts, number = "2026-02-01T00:00:00+00:00", len(entries) + 1
        evidence = {"begins_again": True} if action == "begin again" else {}
        action = "expire" if evidence else action
        entry = Entry(
            number, ts, "test", action, "test", previous or None, adapter, week, receipts, before, percent,
            evidence=evidence,
        )  # fmt: skip
        entries.append(entry)
    return entries


def passed(*cycles: tuple[str, str]) -> list[PassedCycle]:
    """Cycles that passed, by week and adapter."""
    return [PassedCycle(week, adapter) for week, adapter in cycles]


CASES: dict[str, tuple[list[Move], list[PassedCycle], PassedCycle | None, str]] = {
    "nothing is live": ([], passed((W1, A)), None, "promote the first by hand: ratchet promote small --why TEXT"),
    "live alone": ([FIRST], passed((W1, A)), None, f"no cycle has passed since the candidate of {W1} entered"),
    "the next week": ([FIRST], passed((W1, A), (W2, B)), PassedCycle(W2, B), f"bbbbbbbbbbbb of {W2} is next"),
    "the newest of several": ([FIRST], passed((W2, B), (W4, D), (W3, C)), PassedCycle(W4, D), "is next"),
    "a candidate that shadows stays": ([FIRST, SHADOWS], passed((W2, B), (W3, C)), None,
    f"bbbbbbbbbbbb is being compared; cccccccccccc of {W3} waits"),
    "one that steps stays": ([FIRST, SHADOWS, ("step", B, W2, A)], passed((W3, C)), None, "is being compared; ccc"),
    "a watch is a comparison": ([FIRST, ("promote", B, W2, A)], passed((W3, C)), None, "bbbbbb is being compared"),
    "the one that waited": ([FIRST, SHADOWS, REJECTED], passed((W2, B), (W3, C), (W4, D)), PassedCycle(W4, D), "next"),
    "after a promotion and its watch": (
        [FIRST, ("promote", B, W2, A), ("release", B, W2, A)], passed((W1, A), (W2, B), (W3, C)), PassedCycle(W3, C),
        "next",
    ),
    "an expired one does not enter twice": ([FIRST, SHADOWS, EXPIRED], passed((W1, A), (W2, B)), None, "no cycle"),
    "one whose comparison ended to begin again": ([FIRST, SHADOWS, AGAIN], passed((W2, B)), PassedCycle(W2, B), "next"),
    "a newer one goes before it": ([FIRST, SHADOWS, AGAIN], passed((W2, B), (W3, C)), PassedCycle(W3, C), "next"),
    "it does so once": ([FIRST, SHADOWS, AGAIN, SHADOWS, EXPIRED], passed((W2, B)), None, "no cycle"),
    "nor does a rejected one": ([FIRST, SHADOWS, REJECTED], passed((W2, B)), None, "no cycle has passed since"),
    "the one in between is never tried": (
        [FIRST, ("shadow", C, W3, A), ("reject", A, W3, C)], passed((W2, B), (W3, C)), None, f"of {W3} entered",
    ),
    "a backfill of old weeks": ([("promote", C, W3, "")], passed((W1, A), (W2, B), (W3, C)), None, "no cycle"),
    "the week runs early, and again on Monday": (
        [FIRST, SHADOWS, EXPIRED], passed((W2, C)), PassedCycle(W2, C), f"cccccccccccc of {W2} is next",
    ),
    "an adapter that came in by an older week": ([FIRST, SHADOWS, EXPIRED], passed((W3, B)), None, "no cycle"),
    "the one that was live before": (
        [FIRST, ("promote", B, W2, A), ("rollback", A, W2, B)], passed((W2, B), (W3, A)), None, "no cycle",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_next_candidate_follows_from_ledger_and_receipts(case: str) -> None:
    """By the table; the reason names who is waited for, or what to do."""
    moves, cycles, entrant, says = CASES[case]
    entries = write(*moves)
    found = choose_entrant("small", state_after(entries), entries, cycles)
    assert found.cycle == entrant
    assert says in found.reason
