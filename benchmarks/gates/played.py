"""Decisions of the product itself on simulated rollouts: `decide` must step where the formula crosses, not before."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from benchmarks.gates.figures import Figure, agrees, counted
from benchmarks.gates.walks import wealth_of
from ratchet.config.policy import PromotionPolicy
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import STAY, decide
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.ledger_entry import Entry
from ratchet.rollout.state import RolloutState

POLICY = PromotionPolicy()
LIMIT = POLICY.cycles_per_year / POLICY.alpha_year
WEEK = 1740
"""Requests that are compared in a week of 200 labels where answers differ on 11.5 %."""
DIFFER = 0.10
"""Share of requests on which one of the two models alone is right."""
_NOW = datetime(2026, 1, 14, tzinfo=UTC)
_LIVE, _CANDIDATE = "a" * 64, "b" * 64
_PEOPLE = 8
_ROLLOUTS, _LOOKS_EVERY = 60, 60


def shadowing(days: float) -> RolloutState:
    """Return the state of a candidate that has shadowed for some days."""
    ts = (_NOW - timedelta(days=days)).isoformat()
    entry = Entry(2, ts, "bench", act.SHADOW, "", None, _CANDIDATE, "2026-01-05", {}, "0" * 64)
    return RolloutState(_LIVE, _CANDIDATE, entered=entry, newest=entry, moved=entry)


def evidence_of(losses: int, wins: int, compared: int) -> Evidence:
    """Return the counts of a rollout without any other trouble: labels of eight people, equal speed, no error."""
    people = {f"p{i}": (losses // _PEOPLE, wins // _PEOPLE) for i in range(_PEOPLE)}
    answered = max(compared, POLICY.min_requests)
    return Evidence(
        requests=answered, disagreements=losses + wins, labelled=losses + wins, only_incumbent=losses,
        only_challenger=wins, incumbent_p95_ms=5.0, challenger_p95_ms=5.0, timed=answered, median_time_ratio=1.0,
        people=_PEOPLE, compared=compared, losses=losses, wins=wins, by_person=people,
        stream_disagreements=losses + wins, drawn=True, digests=2,
    )  # fmt: skip


def play(seed: int, gain: float) -> tuple[str, bool]:
    """Return the first action that is not to hold in a week, looked at now and then, and True where each decision
    was to step just when the formula, written a second time, had crossed."""
    generator = np.random.default_rng((99, seed))
    drawn = generator.random(WEEK)
    kinds = np.where(drawn < (DIFFER - gain) / 2, -1, np.where(drawn < DIFFER, 1, 0))
    grow = {score: np.log(wealth_of(score, POLICY.margin)) for score in (-1, 0, 1)}
    state, wealth, alike = shadowing(8), np.zeros(24), True
    for start in range(0, WEEK, _LOOKS_EVERY):
        wealth = wealth + sum(grow[int(kind)] for kind in kinds[start : start + _LOOKS_EVERY])
        seen = kinds[: start + _LOOKS_EVERY]
        whole = evidence_of(int((seen == -1).sum()), int((seen == 1).sum()), len(seen))
        action = decide(state, POLICY, whole, replace(whole), _NOW).action
        alike &= (action == act.STEP) == bool(np.exp(wealth).mean() >= LIMIT)
        if action != STAY:
            return action, alike
    return STAY, alike


def measure_decisions(gain: float, computed: float) -> tuple[Figure, Figure]:
    """Return how often the product's own decision is as the formula says, and how often it promotes within a week,
    beside the chance that was `computed`."""
    found = [play(seed, gain) for seed in range(_ROLLOUTS)]
    stepped = sum(action == act.STEP for action, _ in found)
    truth = f"truth {100 * gain:+.0f} points, every {_LOOKS_EVERY} requests"
    return (
        counted(f"`decide` steps just where the formula crosses, {truth}", sum(alike for _, alike in found), len(found),
                at_least=1.0),
        agrees(f"`decide` itself takes the first step within a week, {truth}", stepped, len(found),
               computed),
    )  # fmt: skip
