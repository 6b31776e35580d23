"""Audit of a cycle's gates: each attack is played in its order until the time is spent, the identity attacks always.

Add here the copy of a new attack; its row is in `ratchet/evaluation/gate_audit/attack.py`.
"""

import time
from collections.abc import Callable, Collection
from typing import Any

from ratchet.evaluation.gate_audit.attack import ATTACKS, Attack
from ratchet.evaluation.gate_audit.matrix import describe_audit
from ratchet.evaluation.gate_audit.score_copies import shuffle_head
from ratchet.workflows.gate_audit.answer_attacks import judge_answers
from ratchet.workflows.gate_audit.case import AuditCase
from ratchet.workflows.gate_audit.file_attacks import judge_receipt_bits

SHARE = 0.2
"""Largest share of a cycle's time that its audit takes."""
Asked = dict[str, Callable[[], str]]

_PLAYS: dict[str, Callable[[AuditCase], Asked]] = {
    "copy": lambda case: judge_answers(case, case.answers, case.answers),
    "receipt_bit": judge_receipt_bits,
    "random_head": lambda case: judge_answers(case, shuffle_head(case.answers, seed=0), case.answers),
}


def audit_gates(
    case: AuditCase, allowed_s: float, *, without: Collection[str] = (), clock: Callable[[], float] = time.monotonic
) -> dict[str, Any]:
    """Play every attack on the gates of `case`, and return the matrix as JSON types.

    After `allowed_s` seconds what is left is dropped and named; attacks that follow from identity are played
    whatever they take. `without` are gates that are switched off.
    """
    began, rows, dropped = clock(), list[dict[str, Any]](), list[str]()
    for attack in ATTACKS:
        if attack.kind != "identity" and clock() - began >= allowed_s:
            dropped.append(attack.says)
            continue
        rows.append(play(case, attack, without))
    return describe_audit(rows, dropped, clock() - began, allowed_s)


def play(case: AuditCase, attack: Attack, without: Collection[str] = ()) -> dict[str, Any]:
    """Play one attack; return its row of the matrix."""
    judges = {gate: decide for gate, decide in _PLAYS[attack.name](case).items() if gate not in without}
    reasons = {gate: decide() for gate, decide in judges.items()}
    return {
        "attack": attack.name,
        "kind": attack.kind,
        "says": attack.says,
        "guards": list(attack.guards),
        "played_by": list(reasons),
        "stopped_by": [gate for gate, reason in reasons.items() if reason],
        "reasons": {gate: reason for gate, reason in reasons.items() if reason},
    }
