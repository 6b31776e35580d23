"""The year's error: what spends a share of it, what does not, and what holds when all is spent."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.core.errors import RatchetError
from ratchet.rollout.error_budget import ErrorBudget, need_name_and_reason, read_budget
from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.rollout.state import state_after

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
A, B, C = "a1" * 32, "b2" * 32, "c3" * 32
Move = tuple[str, str, dict[str, Any]]
BY_HAND = {"receipts": {"leakage": "0" * 64}, "stream": {"drawn": True}}
FIRST: list[Move] = [("promote", A, BY_HAND)]
SHADOWING: list[Move] = [*FIRST, ("shadow", B, BY_HAND)]
CLIMBING: list[Move] = [*SHADOWING, ("step", B, {"percent": 5})]
LIVE_AGAIN: list[Move] = [*CLIMBING, ("promote", B, {}), ("release", B, {})]


def policy(**changed: Any) -> dict[str, Any]:
    """The field `policy` of an entry."""
    promotion = {**asdict(PromotionPolicy(**changed)), "steps": [5, 100]}
    return {"policy": {"schema": 1, "labels": [{"name": "x"}], "cost_review": 0.2, "promotion": promotion}}


def write(moves: list[Move], days_apart: float = 1.0) -> list[Entry]:
    """Entries of these moves, the newest of them now."""
    entries: list[Entry] = []
    for number, (action, adapter, fields) in enumerate(moves, start=1):
        live = state_after(entries).live if entries else None
        gone = state_after(entries).challenger or live if action in {"reject", "rollback", "expire"} else live
        at = (NOW - timedelta(days=days_apart * (len(moves) - number))).isoformat()
        chain = entries[-1].digest if entries else GENESIS
        content = {"receipts": {}, "actor": "ann", "why": "because", **fields}
        entry = Entry(
            number, ts=at, action=action, previous_adapter=gone, adapter=adapter, week="2026-02-23", previous=chain,
            **content,
        )  # fmt: skip
        entries.append(entry)
    return entries


def budget(moves: list[Move], days_apart: float = 1.0, **changed: Any) -> ErrorBudget:
    """The budget after these moves."""
    return read_budget(write(moves, days_apart), PromotionPolicy(**changed), NOW)


# Every way by which a person makes something live, and what else moves a rollout.
WAYS: dict[str, tuple[list[Move], list[str]]] = {
    "the first model, by hand": (FIRST, []),
    "a candidate enters": (SHADOWING, ["rollout"]),
    "it climbs to the end by evidence": (LIVE_AGAIN, ["rollout"]),
    "it climbs in one step": ([*SHADOWING, ("promote", B, {})], ["rollout"]),
    "skipped shadow": ([*FIRST, ("promote", B, BY_HAND)], ["override"]),
    "skipped shadow, while another is compared": ([*SHADOWING, ("promote", C, BY_HAND)], ["rollout", "override"]),
    "skipped shadow, while another climbs": ([*CLIMBING, ("promote", C, BY_HAND)], ["rollout", "override"]),
    "the candidate by hand, not proven": ([*SHADOWING, ("promote", B, BY_HAND)], ["rollout", "override"]),
    "the candidate by hand, proven": ([*CLIMBING, ("promote", B, BY_HAND)], ["rollout"]),
    "an entry without receipts": ([*FIRST, ("promote", B, {})], ["override"]),
    "during the watch": ([*CLIMBING, ("promote", B, {}), ("promote", C, BY_HAND)], ["rollout", "override"]),
    "back to the one before, by a promotion": ([*LIVE_AGAIN, ("promote", A, BY_HAND)], ["rollout", "override"]),
    "back to the one before, by a rollback": ([*LIVE_AGAIN, ("rollback", A, {})], ["rollout"]),
    "it expires and enters again": (
        [*SHADOWING, ("expire", A, {}), ("shadow", B, BY_HAND)], ["rollout", "rollout"],
    ),
    "it expires and is promoted by hand": (
        [*SHADOWING, ("expire", A, {}), ("promote", B, BY_HAND)], ["rollout", "override"],
    ),
    "a wider margin while it is compared": (
        [("promote", A, BY_HAND | policy()), ("shadow", B, BY_HAND), ("policy", A, policy(margin=0.2))],
        ["rollout", "policy"],
    ),
    "another limit of errors while it is compared": (
        [("promote", A, BY_HAND | policy()), ("shadow", B, BY_HAND), ("policy", A, policy(max_error_share=0.2))],
        ["rollout"],
    ),
    "a wider margin before it enters": (
        [("promote", A, BY_HAND | policy()), ("policy", A, policy(margin=0.2)), ("shadow", B, BY_HAND)], ["rollout"],
    ),
    "a wider margin once it is proven": (
        [("promote", A, BY_HAND | policy()), *CLIMBING[1:], ("policy", A, policy(margin=0.2))], ["rollout"],
    ),
    "held, resumed and killed": (
        [*SHADOWING, ("hold", A, {}), ("resume", A, {}), ("kill", A, {}), ("unkill", A, {})], ["rollout"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_each_way_of_becoming_live_spends_what_it_must(way: str) -> None:
    """A rollout that enters and a promotion that no evidence proves each cost one share; what returns costs nothing."""
    moves, kinds = WAYS[way]
    found = budget(moves)
    assert [charge.kind for charge in found.charges] == kinds
    assert found.spent == pytest.approx(len(kinds) * 0.05 / 52)
    overrides = [charge.entry for charge in found.charges if charge.kind == "override"]
    entries = write(moves)
    for number, entry in enumerate(entries):
        before = state_after(entries[:number])
        for missing in ({"why": "  "}, {"actor": " "}, {"actor": "uid 1000"}):
            nameless = replace(entry, **missing)
            if entry in overrides:
                with pytest.raises(RatchetError, match="an override needs"):
                    need_name_and_reason(before, nameless)
            else:
                need_name_and_reason(before, nameless)


def repeat(times: int) -> list[Move]:
    """A first model, and so many rollouts that expire."""
    return [*FIRST, *(move for _ in range(times) for move in (("shadow", B, BY_HAND), ("expire", A, {})))]


def test_the_budget_is_written_as_a_part_of_a_year() -> None:
    """Nine rollouts and an override of 52."""
    nine = budget(repeat(9))
    assert nine.sentence == "this year 0.9 of 5 % spent"
    assert (nine.has_room, nine.held, nine.free_on) == (True, "", None)
    assert budget([*repeat(9), ("promote", C, BY_HAND)]).sentence == "this year 1.0 of 5 % spent, 1 override among it"


def test_a_spent_year_holds_until_its_oldest_share_leaves() -> None:
    """52 rollouts two days apart fill a year; the 53rd waits for the first to be 52 weeks old."""
    found = budget(repeat(52), days_apart=1.0)
    assert (found.has_room, found.is_exceeded) == (False, False)
    first = NOW - timedelta(days=103) + timedelta(weeks=52)
    assert found.free_on == first
    assert found.held == (
        "the error of false promotions that a year may have is spent (this year 5.0 of 5 % spent: 52 rollouts and 0"
        f" overrides in 52 weeks); the next may enter on {first:%Y-%m-%d}"
    )
    assert budget([*repeat(52), ("promote", C, BY_HAND)]).is_exceeded
    assert budget(repeat(52), days_apart=4.0).has_room  # the oldest are over a year old


def test_each_share_keeps_the_price_of_the_policy_under_which_it_was_spent() -> None:
    """More cycles a year make later rollouts cheaper, never those before; what no policy priced costs today's."""
    sealed: list[Move] = [("promote", A, BY_HAND | policy()), *repeat(26)[1:]]
    more = budget([*sealed, ("policy", A, policy(cycles_per_year=520)), *repeat(10)[1:]], 0.1, cycles_per_year=520)
    assert more.spent == pytest.approx(26 * 0.05 / 52 + 10 * 0.05 / 520)
    assert budget(repeat(26), 0.1, cycles_per_year=520).spent == pytest.approx(0.0025)


def test_what_was_decided_by_the_former_rule_costs_nothing() -> None:
    """However often it rolled out; counting begins with the first entry that draws evidence."""
    former: list[Move] = [(action, adapter, {**fields, "stream": {}}) for action, adapter, fields in repeat(80)]
    assert budget(former).charges == ()
    assert budget([*former, ("shadow", C, BY_HAND)]).count("rollout") == 1


def test_a_time_that_cannot_be_read_is_charged() -> None:
    """It never leaves the 52 weeks."""
    entries = [*write(SHADOWING)[:1], replace(write(SHADOWING)[1], ts="soon")]
    assert read_budget(entries, PromotionPolicy(), NOW).count("rollout") == 1
