"""Audit of a cycle's gates: each attack is played in its order until the time is spent, the identity attacks always.

Add here the copy of a new attack; its row is in `ratchet/evaluation/gate_audit/attack.py`.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from ratchet.evaluation.gate_audit.attack import ATTACKS, Attack
from ratchet.evaluation.gate_audit.matrix import describe_audit
from ratchet.evaluation.gate_audit.score_copies import (
    Answers,
    common_label,
    lose,
    make_twin,
    shuffle_head,
    soften,
)
from ratchet.metrics.classification import macro_f1
from ratchet.workflows.gate_audit import data_attacks, file_attacks, trained_attacks
from ratchet.workflows.gate_audit.answer_attacks import judge_answers
from ratchet.workflows.gate_audit.case import AuditCase
from ratchet.workflows.gate_audit.data_attacks import Judges
from ratchet.workflows.gate_audit.measured_power import POWERS
from ratchet.workflows.gate_audit.trained_attacks import Probes

SHARE = 0.2
"""Largest share of a cycle's time that its audit takes."""
_SCORED: dict[str, Callable[[AuditCase], Judges]] = {
    "copy": lambda case: judge_answers(case, case.answers, case.answers),
    "stale_weights": file_attacks.reuse_weights,
    "report_bit": file_attacks.flip_in_report,
    "receipt_bit": file_attacks.flip_in_receipts,
    "planted_leak": data_attacks.plant_leak,
    "broken_row": data_attacks.break_row,
    "missing_class": data_attacks.miss_class,
    "unfit_plan": data_attacks.plan_beyond,
    "unfit_adapter": data_attacks.adapt_beyond,
    "colluders": data_attacks.collude,
    "random_annotator": data_attacks.label_at_random,
    "nothing_learned": lambda case: _judge(_with_good_base(case), lambda twin: twin),
}
_SPOILT: dict[str, Callable[[Answers], Answers]] = {
    "equal": lambda twin: twin,
    "random_head": shuffle_head,
    "worse_on_golden": lambda twin: lose(twin, "golden", 0.15),
    "worse_in_traffic": lambda twin: lose(twin, "test", 0.04),
    "unsure": lambda twin: soften(twin, 3),
    "worse_slice": lambda twin: _lose_slice(twin),
}
_TRAINED: dict[str, Callable[[AuditCase, Probes], Judges]] = {
    "permuted_labels": trained_attacks.permute_labels,
    "flipped_class": trained_attacks.flip_newest,
    "swapped_classes": trained_attacks.swap_newest,
    "trigger": trained_attacks.plant_trigger,
}


def audit_gates(
    case: AuditCase, allowed_s: float, *, without: Collection[str] = (), clock: Callable[[], float] = time.monotonic
) -> dict[str, Any]:
    """Play every attack on the gates of `case`, and return the matrix as JSON types.

    After `allowed_s` seconds what is left is dropped and named; attacks that follow from identity are played
    whatever they take. `without` are gates that are switched off.
    """
    began, rows, dropped, probes = clock(), list[dict[str, Any]](), list[str](), Probes(case)
    for attack in ATTACKS:
        if attack.kind != "identity" and clock() - began >= allowed_s:
            dropped.append(attack.says)
            continue
        started = clock()
        rows.append({**play(case, attack, probes, without), "seconds": round(clock() - started, 3)})
    twin = make_twin(case.answers)
    for row in rows:
        if row["attack"] in POWERS and clock() - began < allowed_s:
            row["power"] = POWERS[row["attack"]](case, _SPOILT[row["attack"]](twin))
    return describe_audit(rows, dropped, clock() - began, allowed_s)


def play(case: AuditCase, attack: Attack, probes: Probes, without: Collection[str] = ()) -> dict[str, Any]:
    """Play one attack; return its row of the matrix."""
    name = attack.name
    if name in _SPOILT:
        found = _judge(case, _SPOILT[name])
    else:
        found = _SCORED[name](case) if name in _SCORED else _TRAINED[name](case, probes)
    judges = {gate: decide for gate, decide in found.items() if gate not in without}
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


def _judge(case: AuditCase, spoil: Callable[[Answers], Answers]) -> Judges:
    """Judge a model that is as good as the cycle's candidate, and then spoiled."""
    return judge_answers(case, spoil(make_twin(case.answers)), case.answers)


def _with_good_base(case: AuditCase) -> AuditCase:
    """Return the case as if the untuned base did as well as its twin."""
    test = make_twin(case.answers)["test"]
    reached = macro_f1(test.predicted, test.split.labels, len(case.spec.labels))
    return replace(case, baselines={**case.baselines, "base_model": {"macro_f1": reached, "ece": 0.0}})


def _lose_slice(twin: Answers) -> Answers:
    label = common_label(twin)
    for split in ("test", "golden"):
        twin = lose(twin, split, 0.05, label)
    return twin
