"""Repeated decisions: the model's gates decide again from a cycle's stored answers, so that no receipt is trusted.

Add a gate here when it can be derived from stored answers. `ratchet/workflows/rollout/nominate.py` calls this before a
promotion, and so does `ratchet/workflows/verify_receipt.py`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ratchet.config.spec import Spec
from ratchet.core.errors import BlockedError
from ratchet.core.verdict import Verdict
from ratchet.data.label_selection import count_confirming
from ratchet.gates.beats_baselines import HARD, SIMPLER, decide_baselines
from ratchet.gates.calibration_regression import decide_calibration
from ratchet.gates.golden_agreement import (
    GOLDEN_AGREEMENT_RULE,
    decide_golden_agreement,
    labels_of_test,
    read_history,
)
from ratchet.gates.golden_anchor import Anchor
from ratchet.gates.golden_set_regression import GOLDEN_RULE, decide_regression, read_golden_answers
from ratchet.gates.paired_answers import read_paired_answers
from ratchet.gates.slices import decide_slices
from ratchet.metrics.classification import macro_f1
from ratchet.storage.receipt_file import Receipt
from ratchet.workflows.gates.stored_answers import StoredAnswers


def judge_again(answers: StoredAnswers, spec: Spec, receipts: Mapping[str, Receipt]) -> dict[str, Verdict]:
    """Verdicts of the model's gates, each by the rule of its receipt; the baselines' own figures, and the weeks before,
    which may have been judged again since, come from theirs.

    `spec` holds the labels that the adapter was trained for, at least. A gate that is newer than the receipts judges,
    too: what it needs is stored.

    Raises `BlockedError` when that receipt does not follow from the stored answers.
    """
    baselines, agreement = receipts["beats_baselines"], receipts.get("golden_agreement")
    judged: Mapping[str, Any] = agreement.verdict.evidence if agreement else {"rule": GOLDEN_AGREEMENT_RULE}
    before, rule = read_history(judged.get("before", ())), judged.get("rule", 1)
    regression = receipts["golden_set_regression"].verdict.evidence
    return {
        "golden_agreement": decide_golden_agreement(answers.confusions, answers.requests, before, rule=rule),
        "golden_set_regression": decide_regression(
            read_golden_answers(answers.golden.to_dict("records")),
            spec.limits,
            _anchor_of(answers, regression),
            rule=regression.get("rule", GOLDEN_RULE if "floor" in regression else 1),
        ),
        "beats_baselines": _beats_again(answers, spec, baselines),
        **_compare_again(answers, spec, receipts),
    }


def _anchor_of(answers: StoredAnswers, evidence: Mapping[str, Any]) -> Anchor | Mapping[str, Any]:
    """Return the stored answers of the anchor that the receipt names, else what the receipt holds of it.

    A warehouse that was rebuilt since has none, and a week of then that ran again later may name another.
    """
    named = evidence.get("anchor")
    if named is None:
        return answers.anchor
    now = (answers.anchor.missing, answers.anchor.adapter, answers.anchor.week)
    return answers.anchor if now == (named["missing"], named["adapter"], named["week"]) else dict(named)


def _compare_again(answers: StoredAnswers, spec: Spec, receipts: Mapping[str, Receipt]) -> dict[str, Verdict]:
    """Verdicts of the gates that compare candidate and live item by item."""
    if answers.paired is None:
        return {}
    labels = tuple(label for label in spec.labels if label not in answers.labels_waiting)
    paired = read_paired_answers(answers.paired, labels, spec.slices.columns)
    before = receipts["slices"].verdict.evidence.get("before") if "slices" in receipts else None
    return {
        "calibration_regression": decide_calibration(paired, spec.limits.max_nll_rise),
        "slices": decide_slices(paired, spec.slices, spec.limits.max_golden_loss, before=before),
    }


def _beats_again(answers: StoredAnswers, spec: Spec, receipt: Receipt) -> Verdict:
    """Verdict of the stored answers' macro-F1 against the baselines in the receipt."""
    test = answers.test
    named = dict.fromkeys((*spec.labels, *test["label"], *test["predicted"]))  # the file may list others by now
    index = {label: i for i, label in enumerate(named)}
    labels, predicted = (
        np.array([index[word] for word in test[column]], dtype=np.int64) for column in ("label", "predicted")
    )
    reached, evidence = macro_f1(predicted, labels, len(index)), receipt.verdict.evidence
    if not len(test) or abs(reached - evidence["candidate"]) > 1e-9:
        raise BlockedError(
            "its receipt of beats_baselines does not follow from the stored answers", code="bad_evidence"
        )
    baselines = {name: {"macro_f1": evidence[name]} for name in HARD + SIMPLER}
    support = {label: int(n) for label, n in zip(index, np.bincount(labels, minlength=len(index)), strict=True)}
    # A receipt of an earlier version is judged by the rule that it was made by.
    return decide_baselines(
        reached,
        baselines,
        is_probe=bool(evidence.get("is_probe")),
        support={label: n for label, n in support.items() if n},
        selection=count_confirming(labels_of_test(answers.confusions)),
        first=evidence.get("first"),
        rule=evidence.get("rule", 1),
    )
