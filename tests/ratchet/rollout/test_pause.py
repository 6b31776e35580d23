"""Why nothing was promoted for weeks, in one sentence, by table."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.rollout.pause import describe_pause

A, B, C = "a" * 64, "b" * 64, "c" * 64
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


def entry(before: list[Entry], week: int, action: str, adapter: str, previous: str | None, **more: Any) -> Entry:
    """The next entry, so many weeks after the first."""
    ts, receipts = (BEGIN + timedelta(weeks=week)).isoformat(), {"leakage": adapter} if "why" not in more else {}
    why = more.pop("why", "test")
    last = before[-1].digest if before else GENESIS
    return Entry(
        len(before) + 1, ts, "test", action, why, previous, adapter, f"w{week}", receipts, last, **more
    )  # fmt: skip


def write(*moves: Mapping[str, Any]) -> list[Entry]:
    """The entries of these moves."""
    entries: list[Entry] = []
    for move in moves:
        entries.append(entry(entries, **move))
    return entries


FIRST = {"week": 0, "action": "promote", "adapter": A, "previous": None}
SHADOWS = {"week": 2, "action": "shadow", "adapter": B, "previous": A}
EXPIRED = {"week": 4, "action": "expire", "adapter": A, "previous": B, "why": "Expired: undecided after 2 weeks."}
CASES: dict[str, tuple[list[Mapping[str, Any]], dict[str, str], str, int, str]] = {
    "nothing was ever promoted": ([], {"w1": "leakage"}, "", 9, ""),
    "a week after": ([FIRST], {"w1": "leakage"}, "", 1, ""),
    "no cycle": ([FIRST], {}, "", 3, "Nothing was promoted for 3 weeks: no cycle ran since."),
    "blocked cycles": (
        [FIRST], {"w1": "leakage", "w2": "row_quality", "w3": "leakage", "w4": ""}, "", 4,
        "Nothing was promoted for 4 weeks: 3 of 4 cycles were stopped (2 by leakage, row_quality).",
    ),
    "one that is compared, and one that waits": (
        [FIRST, SHADOWS], {"w2": "", "w3": ""}, "cccccccccccc of w3 waits", 3,
        "Nothing was promoted for 3 weeks: bbbbbbbbbbbb of w2 is being compared since 2026-01-19 (Held: 4 of 9 labels);"
        " cccccccccccc of w3 waits.",
    ),
    "one that expired": (
        [FIRST, SHADOWS, EXPIRED], {"w2": ""}, "", 5,
        "Nothing was promoted for 5 weeks: bbbbbbbbbbbb of w4 expired (undecided after 2 weeks).",
    ),
    "one that began again": (
        [FIRST, SHADOWS, {**EXPIRED, "evidence": {"begins_again": True}}, {**SHADOWS, "week": 4}], {"w2": ""}, "", 5,
        "Nothing was promoted for 5 weeks: bbbbbbbbbbbb of w4 is being compared since 2026-02-02 (Held: 4 of 9"
        " labels).",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_reason_is_one_sentence(case: str) -> None:
    """From ledger, outcomes of cycles, who waits, and the newest decision."""
    moves, outcomes, waiting, weeks, expected = CASES[case]
    now = BEGIN + timedelta(weeks=weeks, hours=1)
    assert describe_pause(write(*moves), outcomes, waiting, "Held: 4 of 9 labels.", now) == expected
