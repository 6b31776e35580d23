"""Views to draw: a ledger of any moves, decided on any figures, without a file."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.rollout.decision import Decision, decide
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.rollout.page.last_decision import LastDecision, read_last_decision
from ratchet.rollout.page.view import View, view_rollout
from ratchet.rollout.state import state_after

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
FIRST, SECOND = "a1" * 32, "b2" * 32
Moves = tuple[tuple[str, str, int], ...]
STEPPING: Moves = (("promote", FIRST, 0), ("shadow", SECOND, 0), ("step", SECOND, 5), ("step", SECOND, 25))
GOOD = Evidence(
    requests=1000, disagreements=60, labelled=800, only_incumbent=8, only_challenger=12, answered=100,
    compared=1000, losses=10, wins=30, neither=20, stream_disagreements=60, digests=2, drawn=True,
    incumbent_p95_ms=10.0, challenger_p95_ms=11.0,
)  # fmt: skip


@pytest.fixture(scope="session")
def write_entries() -> Callable[..., list[Entry]]:
    """Entries of these moves, ten minutes apart, the newest of them at noon; keywords are for every entry."""

    def write(moves: Moves = STEPPING, **said: Any) -> list[Entry]:
        entries: list[Entry] = []
        live: str | None = None
        for number, (action, adapter, percent) in enumerate(moves, start=1):
            previous = SECOND if action in {"rollback", "reject"} else live
            at = (NOW - timedelta(minutes=10 * (len(moves) - number))).isoformat()
            chain = entries[-1].digest if entries else GENESIS
            content = {"ts": at, "actor": "ann", "why": f"reason {number}", "week": "2026-02-23", **said}
            receipts = {"leakage": "0" * 64} if action in {"promote", "shadow"} else {}
            entries.append(
                Entry(
                    number, action=action, previous_adapter=previous, adapter=adapter, receipts=receipts,
                    previous=chain,
                    percent=percent, **content,
                )
            )  # fmt: skip
            live = adapter if action in {"promote", "rollback"} else live
        return entries

    return write


@pytest.fixture(scope="session")
def remember() -> Callable[..., LastDecision]:
    """The decision on entries and evidence as `rollout.json` gives it back; keywords change the decision."""

    def make(
        entries: list[Entry], evidence: Evidence = GOOD, *, sequence: int | None = None, **changed: Any
    ) -> LastDecision:
        state = state_after(entries)
        decision: Decision = decide(state, PromotionPolicy(max_weeks=500), evidence, evidence, NOW)
        document = {"schema": 1, "at": NOW.isoformat(), **asdict(decision), "sequence": sequence or state.head.sequence}
        found = read_last_decision({**document, **changed})
        assert found is not None
        return found

    return make


@pytest.fixture(scope="session")
def view() -> Callable[..., View]:
    """The view of entries under the usual policy; keywords change the policy."""

    def make(entries: list[Entry], remembered: LastDecision | None = None, **policy: Any) -> View:
        return view_rollout("small", PromotionPolicy(**policy), entries, remembered, NOW)

    return make
