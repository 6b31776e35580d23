"""Attacks on the gates of data and targets: broken rows, leaks, annotators, plans and adapters beyond every target.

Add here an attack that changes rows, labels or settings; each is asked of the decision that serves.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd

from ratchet.config.candidate import Candidate
from ratchet.core.verdict import Verdict, join_verdicts
from ratchet.deployment.adapter_facts import AdapterFacts
from ratchet.gates.colluding_annotators import decide_collusion
from ratchet.gates.label_agreement import decide_agreement
from ratchet.gates.label_distribution import decide_distribution
from ratchet.gates.leakage import decide_leakage, find_leaks
from ratchet.gates.row_quality import decide_row_quality, expect_corrections, validate
from ratchet.gates.target_fit import decide_target_fit
from ratchet.gates.target_plan import decide_plan_fit
from ratchet.metrics.agreement import measure_agreement
from ratchet.metrics.annotator_camps import cross_labels
from ratchet.workflows.gate_audit.case import AuditCase

Judges = dict[str, Callable[[], str]]
"""Gates that judge an attack: each gives the reason why it stops it, '' where it lets it through."""
_LEAKS, _DOUBLES, _TRAIN = 5, 90, 200
_HONEST_ERROR = 0.05
_VOTED, _COLLUDERS = 120, 2


def stop(decide: Callable[[], Verdict]) -> Callable[[], str]:
    """Return a decision as the reason why it stops, '' where it does not."""

    def reason() -> str:
        verdict = decide()
        return "" if verdict.passed else verdict.reason

    return reason


def plant_leak(case: AuditCase) -> Judges:
    """Put test texts among the training texts."""
    test, train = case.splits["test"], case.splits["train"]
    held_out = [*zip(test.items, test.texts, strict=True)]
    ours = [*zip(train.items[:_TRAIN], train.texts[:_TRAIN], strict=True)]
    planted = ours + [(f"planted-{item}", text) for item, text in held_out[:_LEAKS]]
    limit = case.spec.limits.near_duplicate_jaccard

    def decide() -> Verdict:
        return decide_leakage(find_leaks(planted, held_out, limit), len(planted), len(held_out), limit)

    return {"leakage": stop(decide)}


def break_row(case: AuditCase) -> Judges:
    """Give one correction a label that nobody knows."""
    rows = pd.DataFrame(
        [("r1 a 1", "r1", case.spec.labels[0], "a", False), ("r2 a 1", "r2", "no such label", "a", False)],
        columns=["key", "request_id", "label", "annotator", "saw_prediction"],
    )
    tables = {"corrections": (rows, expect_corrections(case.spec.labels))}
    return {"row_quality": stop(lambda: decide_row_quality(validate(tables)))}


def miss_class(case: AuditCase) -> Judges:
    """Leave out of train a label that live answers and that a third of production has."""
    labels = case.spec.labels
    train = {label: 100 * (place > 0) for place, label in enumerate(labels)}
    production = {label: 100 if place else 50 * len(labels) for place, label in enumerate(labels)}
    limit = case.spec.limits.max_label_divergence
    return {"label_distribution": stop(lambda: decide_distribution(train, production, labels, limit, labels))}


def plan_beyond(case: AuditCase) -> Judges:
    """Plan what no target of the classifier can run."""
    candidate = (case.spec.candidate or (Candidate(),))[0]
    return {"target_plan": stop(lambda: decide_plan_fit([(candidate, _fits(case))]).verdict)}


def adapt_beyond(case: AuditCase) -> Judges:
    """Make an adapter that no target of the classifier can run."""
    return {"target_fit": stop(lambda: join_verdicts(_fits(case)))}


def label_at_random(case: AuditCase, seed: int = 0) -> Judges:
    """Let two of three annotators label at random, each request by two of the three."""
    draw, labels = np.random.default_rng(seed), case.spec.labels
    truth = draw.integers(0, len(labels), _DOUBLES)
    rows = []
    for request, label in enumerate(truth.tolist()):
        for person in draw.permutation(3)[:2].tolist():
            honest = person == 0 and draw.random() >= _HONEST_ERROR
            given = label if honest else int(draw.integers(0, len(labels)))
            rows.append((f"r{request}", f"annotator-{person}", labels[given]))
    doubles = pd.DataFrame(rows, columns=["request_id", "annotator", "label"])
    limits = replace(case.spec.limits, min_doubles=min(case.spec.limits.min_doubles, _DOUBLES))
    return {"label_agreement": stop(lambda: decide_agreement(measure_agreement(doubles, labels), limits))}


def collude(case: AuditCase, seed: int = 0) -> Judges:
    """Let two of five people call the first label by the second, each request labelled by three of them."""
    draw, labels = np.random.default_rng(seed), case.spec.labels
    rows = []
    for request in range(_VOTED):
        truth = int(draw.integers(0, len(labels)) * draw.integers(0, 2))  # every second request has the first label
        for person in draw.permutation(5)[:3].tolist():
            given = 1 if person < _COLLUDERS and truth == 0 else truth
            if draw.random() < _HONEST_ERROR:
                given = int(draw.integers(0, len(labels)))
            rows.append((f"r{request}", f"annotator-{person}", labels[given]))
    votes = pd.DataFrame(rows, columns=["request_id", "annotator", "label"])
    return {"colluding_annotators": stop(lambda: decide_collusion(cross_labels(votes, labels)))}


def _fits(case: AuditCase) -> list[Verdict]:
    facts = AdapterFacts("an attack", "unknown", "lora", "unknown", len(case.spec.labels), None, 10_000)
    return [decide_target_fit(each.profile, facts, each.accept) for each in case.targets]
