"""Decisions of a ledger follow from their counts: an entry that states more than its labels show is a fault."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ratchet.config.policy import PromotionPolicy
from ratchet.core.errors import RatchetError
from ratchet.rollout.derived_proof import derive_decisions
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.rollout.proof import prove

POLICY = PromotionPolicy()
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}
PROVEN = Evidence(compared=1800, losses=8, wins=60)
DOUBTFUL = Evidence(compared=200, losses=8, wins=9, waiting=3)


def entry(number: int, action: str, whole: Evidence | None = None, **fields: Any) -> Entry:
    """An entry of a rollout, with the figures of its decision."""
    evidence: dict[str, Any] = {}
    if whole is not None:
        evidence = {
            "whole": whole.as_json(),
            "step": Evidence().as_json(),
            "proof": prove(POLICY, whole, Evidence()).as_json(),
        }
    return Entry(
        sequence=number, action=action, previous_adapter=None, adapter="a" * 64, receipts=fields.pop("receipts", {}),
        previous=GENESIS, evidence=evidence, **{**SAID, **fields},
    )  # fmt: skip


ENTERED = entry(1, "shadow", receipts={"leakage": "0" * 64})


def test_a_climb_follows_from_its_counts() -> None:
    """The first step by its counts, later ones by what was shown before, a rollback by its own; none is asked of
    entries without figures."""
    steps = [ENTERED, entry(2, "step", PROVEN), entry(3, "step", DOUBTFUL), entry(4, "reject", DOUBTFUL)]
    assert derive_decisions(steps) == "the evidence of 3 entries follows from their counts"
    assert derive_decisions([ENTERED]) == ""


def change(section: str, **values: Any) -> Callable[[dict[str, Any]], None]:
    """Other figures in one part of the evidence."""
    return lambda evidence: evidence[section].update(values)


FORGED: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "more evidence": (change("proof", not_worse=9999.0), "entry 2 states not_worse = 9999, and 8 losses, 60 wins"),
    "fewer losses": (change("whole", losses=0), "entry 2 states not_worse"),
    "labels that do not wait": (change("whole", waiting=7), "entry 2 states not_worse"),
    "another margin": (change("proof", margin=0.05), "entry 2 states not_worse"),
    "a way back that is closed": (change("proof", worse=0.0), "entry 2 states worse"),
    "no counts": (lambda evidence: evidence.update(whole={}), "does not hold the counts"),
    "words": (change("whole", wins="many"), "does not hold the counts"),
}


@pytest.mark.parametrize("case", FORGED)
def test_an_entry_that_states_more_than_its_counts_is_a_fault(case: str) -> None:
    """Whatever was altered, by whom ever: its signature does not help."""
    alter, said = FORGED[case]
    step = entry(2, "step", PROVEN)
    evidence = {name: dict(part) for name, part in step.evidence.items()}
    alter(evidence)
    with pytest.raises(RatchetError, match=said):
        derive_decisions([ENTERED, replace(step, evidence=evidence)])


def test_a_climb_whose_counts_never_reached_the_limit_is_a_fault() -> None:
    """Also where an earlier candidate had reached it; a promotion by hand, which names receipts, is no climb."""
    again = entry(3, "shadow", receipts={"leakage": "1" * 64})
    with pytest.raises(
        RatchetError, match="entry 4 lets a candidate climb, though its counts never reached the limit of 1,040"
    ):
        derive_decisions([ENTERED, entry(2, "step", PROVEN), again, entry(4, "step", DOUBTFUL)])
    by_hand = entry(2, "promote", DOUBTFUL, receipts={"leakage": "1" * 64})
    assert derive_decisions([ENTERED, by_hand])
