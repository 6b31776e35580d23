"""Decisions on the answers of a copy: the gates of the model, the checks before a rollout, and the rollout itself.

Add here another decision that judges answers; which copies there are is `ratchet/evaluation/gate_audit/attack.py`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np

from ratchet.evaluation.gate_audit.attack import NOMINATION, ROLLOUT
from ratchet.evaluation.gate_audit.score_copies import Answers, largest_distance
from ratchet.evaluation.model_gates import decide_model_gates
from ratchet.gates.candidate_identity import find_copy
from ratchet.rollout import ledger_entry as act
from ratchet.rollout.decision import decide
from ratchet.rollout.evidence.counts import Evidence
from ratchet.rollout.ledger_entry import GENESIS, Entry
from ratchet.rollout.state import RolloutState
from ratchet.workflows.gate_audit.case import AuditCase

Decisions = Mapping[str, Callable[[], str]]
"""Gates that judge an attack: each gives the reason why it stops it, '' where it lets it through."""
_REQUESTS = 6_000
"""Compared requests of the rollout that is played: weeks of a busy classifier, so that too few stop nothing."""
_LIVE, _COPY = "1" * 64, "2" * 64
_NOW = datetime(2026, 1, 5, tzinfo=UTC)
_ADVANCES = frozenset({act.STEP, act.PROMOTE, act.RELEASE})


def judge_answers(case: AuditCase, copy: Answers, live: Answers, seed: int = 0) -> dict[str, Callable[[], str]]:
    """Return what each gate says of `copy` as the candidate, where `live` answers."""

    def of_gate(gate: str) -> Callable[[], str]:
        return lambda: "" if verdicts[gate].passed else verdicts[gate].reason

    verdicts = decide_model_gates(copy, live, case.baselines, case.spec, is_probe=case.is_probe, requests=case.requests)
    judges = {gate: of_gate(gate) for gate in verdicts}
    judges[NOMINATION] = lambda: find_copy(largest_distance(copy, live), case.adapter)
    judges[ROLLOUT] = lambda: play_rollout(case, copy, live, seed)
    return judges


def play_rollout(case: AuditCase, copy: Answers, live: Answers, seed: int) -> str:
    """Let the rollout decide on the copies' answers to requests drawn from the test split; return why it holds."""
    mine, theirs = copy["test"], live["test"]
    n = len(mine.split.items)
    places = np.random.default_rng(seed).integers(0, n, _REQUESTS) if n else np.zeros(0, dtype=np.int64)
    truth, first, second = (values[places] for values in (mine.split.labels, theirs.predicted, mine.predicted))
    differ = first != second
    losses, wins = int((differ & (first == truth)).sum()), int((differ & (second == truth)).sum())
    differing = int(differ.sum())
    evidence = Evidence(
        requests=len(places), answered=len(places), disagreements=differing, labelled=differing, only_incumbent=losses,
        only_challenger=wins, compared=len(places), losses=losses, wins=wins, neither=differing - losses - wins,
        stream_disagreements=differing, drawn=True, digests=2, people=2,
        timed=len(places), median_time_ratio=1.0,
    )  # fmt: skip
    moved = Entry(
        sequence=1, ts=(_NOW - timedelta(days=9)).isoformat(), actor="audit", action=act.SHADOW, why="An attack.",
        previous_adapter=_LIVE, adapter=_COPY, week="2026-01-05", receipts={}, previous=GENESIS,
    )  # fmt: skip
    state = RolloutState(live=_LIVE, challenger=_COPY, moved=moved, entered=moved)
    found = decide(state, case.spec.promotion, evidence, evidence, _NOW)
    return "" if found.action in _ADVANCES else found.sentence
