"""Which weeks are held: by table, each verdict in the order in which it came."""

import pytest

from ratchet.core.verdict import Verdict
from ratchet.gates.quarantine import (
    HOLD,
    HOLDING_GATES,
    RELEASE,
    UNQUARANTINE,
    FailedReceipt,
    QuarantineEntry,
    next_action,
    quarantine_after,
    with_older_receipts,
)
from ratchet.gates.registry import GATES

WEEK, OTHER = "2026-01-05", "2026-01-12"
FAILED, PASSED = Verdict("failed", "Fails: bad."), Verdict("passed", "Passes.")
WARNED = Verdict("warned", "Warns: odd.")
UNCLEAR = Verdict("inconclusive", "No verdict: few.")


def entry(action: str, gate: str = "label_agreement", rows: str = "r1", week: str = WEEK) -> QuarantineEntry:
    """One line; its place in the chain does not matter here."""
    return QuarantineEntry(1, "2026-01-12T06:00:00+00:00", "test", action, week, gate, "Fails: bad.", rows, "0" * 64)


HELD = [entry(HOLD)]
LET_THROUGH = [entry(HOLD), entry(UNQUARANTINE)]
ROWS: dict[str, tuple[list[QuarantineEntry], Verdict, str, str]] = {
    "a failed gate holds the week": ([], FAILED, "r1", HOLD),
    "a pass of a week that is not held is nothing new": ([], PASSED, "r1", ""),
    "a week without a verdict is not held": ([], UNCLEAR, "r1", ""),
    "the same failure again is nothing new": (HELD, FAILED, "r1", ""),
    "a failure on other rows is noted with them": (HELD, FAILED, "r2", HOLD),
    "a pass releases": (HELD, PASSED, "r2", RELEASE),
    "a warning releases": (HELD, WARNED, "r2", RELEASE),
    "a week that is warned of is not held": ([], WARNED, "r1", ""),
    "a held week without a verdict stays held": (HELD, UNCLEAR, "r2", ""),
    "what a person let through stays through on the same rows": (LET_THROUGH, FAILED, "r1", ""),
    "a person's word does not cover other rows": (LET_THROUGH, FAILED, "r2", HOLD),
    "a failure after a release holds again": ([entry(HOLD), entry(RELEASE)], FAILED, "r1", HOLD),
    "what another gate held is not released": ([entry(HOLD, "row_quality")], PASSED, "r1", ""),
    "what was held of another week is not released": ([entry(HOLD, week=OTHER)], PASSED, "r1", ""),
}


@pytest.mark.parametrize("case", ROWS)
def test_a_verdict_changes_what_is_held_by_the_table(case: str) -> None:
    """Before it, the verdict of label_agreement on rows of the week, and the line that it asks for."""
    before, verdict, rows, action = ROWS[case]
    assert next_action(quarantine_after(before), WEEK, "label_agreement", verdict, rows) == action


def test_a_week_is_held_as_long_as_one_gate_holds_it() -> None:
    """Two gates, released one after the other."""
    entries = [entry(HOLD, gate) for gate in ("row_quality", "golden_agreement")]
    assert quarantine_after(entries).weeks == (WEEK,)
    assert quarantine_after([*entries, entry(RELEASE, "row_quality")]).weeks == (WEEK,)
    done = [*entries, entry(RELEASE, "row_quality"), entry(UNQUARANTINE, "golden_agreement")]
    assert quarantine_after(done).weeks == ()
    assert quarantine_after(entries).describe() == {WEEK: "row_quality: Fails: bad.; golden_agreement: Fails: bad."}


def test_receipts_of_a_former_version_hold_a_week_until_there_is_a_line_about_it() -> None:
    """Of the gates that judge rows and labels only: a model that failed says nothing of its week."""
    failed: list[FailedReceipt] = [(WEEK, gate, "Fails: bad.", {"rows": "r1"}) for gate in GATES]
    assert set(with_older_receipts(quarantine_after([]), failed).held[WEEK]) == set(HOLDING_GATES)
    lines = [entry(RELEASE, "row_quality"), entry(UNQUARANTINE)]
    assert set(with_older_receipts(quarantine_after(lines), failed).held[WEEK]) == {"golden_agreement"}
