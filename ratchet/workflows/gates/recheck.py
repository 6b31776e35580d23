"""Repeated decisions: the model's gates decide again from a cycle's stored answers, so that no receipt is trusted.

Add a gate here when it can be derived from stored answers. `ratchet/workflows/rollout/nominate.py` calls this before a
promotion, and so does `ratchet/workflows/verify_receipt.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import BlockedError
from ratchet.core.verdict import Verdict
from ratchet.data.label_selection import count_confirming
from ratchet.gates.beats_baselines import HARD, SIMPLER, decide_baselines
from ratchet.gates.golden_agreement import (
    CONFUSIONS_SQL,
    GOLDEN_AGREEMENT_RULE,
    decide_golden_agreement,
    labels_of_test,
    read_history,
)
from ratchet.gates.golden_set_regression import GOLDEN_SQL, decide_regression, read_golden_answers
from ratchet.gates.label_distribution import SERVED_SQL
from ratchet.ingest.rebuild import open_warehouse
from ratchet.metrics.classification import macro_f1
from ratchet.storage.home import Home
from ratchet.storage.receipt_file import Receipt
from ratchet.storage.warehouse import Warehouse

_JUDGED_SQL = """
SELECT model, adapter, split, label, predicted FROM predictions
WHERE classifier = $classifier AND week = $week AND (model = 'live' OR (model = 'candidate' AND adapter = $adapter))
"""


_DISTANCE_SQL = """
SELECT max(list_distance(c.probabilities, l.probabilities)) FROM predictions c JOIN predictions l
  ON l.classifier = c.classifier AND l.week = c.week AND l.model = 'live' AND l.split = c.split AND l.item = c.item
WHERE c.classifier = $classifier AND c.week = $week AND c.model = 'candidate' AND c.adapter = $adapter
"""
_OF_BOTH = """
FROM predictions c LEFT JOIN (
    SELECT DISTINCT ON (item) * FROM predictions
    WHERE classifier = $classifier AND adapter = $live AND split = 'golden' ORDER BY item, week DESC, model
) l ON l.item = c.item AND l.text = c.text AND l.label = c.label
WHERE c.classifier = $classifier AND c.week = $week AND c.model = 'candidate' AND c.adapter = $adapter
  AND c.split = 'golden'
"""
_GOLDEN_OF_BOTH_SQL = f"""
SELECT c.item, c.label, c.predicted AS candidate, l.predicted AS live {_OF_BOTH} ORDER BY length(c.item), c.item
"""
_DISTANCE_OF_BOTH_SQL = f"SELECT max(list_distance(c.probabilities, l.probabilities)) {_OF_BOTH}"


@dataclass(frozen=True)
class StoredAnswers:
    """Answers of a cycle's candidate, and of the adapter that was live then."""

    test: Any
    """Frame of the candidate's answers on the test split."""
    golden: Any
    """Frame of the answers of both on the golden set."""
    confusions: list[dict[str, Any]]
    """Rows of split, label, predicted and served label, and count."""
    requests: dict[str, int]
    """Requests of the week by served label."""
    compared_with: str | None
    """Digest of the adapter that was live; None when there was none."""
    distance: float | None
    """Largest Euclidean distance of the two adapters' probabilities for a text; None where they are not known."""


def read_stored_answers(home: Home, cycle: Cycle, adapter: str) -> StoredAnswers:
    """Stored answers of `adapter` in `cycle`."""
    params, warehouse = (
        {"classifier": cycle.classifier, "week": cycle.week, "adapter": adapter},
        open_warehouse(home, cycle.classifier),
    )
    judged = warehouse.frame(_JUDGED_SQL, params)
    served = warehouse.frame(SERVED_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    return StoredAnswers(
        judged[(judged["model"] == "candidate") & (judged["split"] == "test")],
        warehouse.frame(GOLDEN_SQL, params),
        [{str(k): v for k, v in row.items()} for row in warehouse.frame(CONFUSIONS_SQL, params).to_dict("records")],
        dict(zip(served["label"], served["requests"].astype(int).tolist(), strict=True)),
        next((str(digest) for digest in judged.loc[judged["model"] == "live", "adapter"].unique()), None),
        _read_distance(warehouse, _DISTANCE_SQL, params),
    )


def compare_with(home: Home, answers: StoredAnswers, cycle: Cycle, adapter: str, live: str) -> StoredAnswers | None:
    """Return the answers of `adapter` beside those of another adapter that is live by now, from its own cycle.

    None where that cycle's golden set was another one, or its answers are no longer stored.
    """
    params = {"classifier": cycle.classifier, "week": cycle.week, "adapter": adapter, "live": live}
    warehouse = open_warehouse(home, cycle.classifier)
    golden = warehouse.frame(_GOLDEN_OF_BOTH_SQL, params)
    if len(golden) != len(answers.golden) or golden["live"].isna().any():
        return None
    return replace(
        answers, golden=golden, compared_with=live, distance=_read_distance(warehouse, _DISTANCE_OF_BOTH_SQL, params)
    )


def _read_distance(warehouse: Warehouse, sql: str, params: dict[str, Any]) -> float | None:
    found = warehouse.frame(sql, {key: params[key] for key in params if f"${key}" in sql})
    return next((float(value) for value in found.iloc[:, 0].dropna()), None)


def judge_again(answers: StoredAnswers, spec: Spec, receipts: Mapping[str, Receipt]) -> dict[str, Verdict]:
    """Verdicts of the model's gates, each by the rule of its receipt; the baselines' own figures, and the weeks before,
    which may have been judged again since, come from theirs.

    Raises `BlockedError` when that receipt does not follow from the stored answers.
    """
    baselines, agreement = receipts["beats_baselines"], receipts.get("golden_agreement")
    judged: Mapping[str, Any] = agreement.verdict.evidence if agreement else {"rule": GOLDEN_AGREEMENT_RULE}
    before, rule = read_history(judged.get("before", ())), judged.get("rule", 1)
    return {
        "golden_agreement": decide_golden_agreement(answers.confusions, answers.requests, before, rule=rule),
        "golden_set_regression": decide_regression(read_golden_answers(answers.golden.to_dict("records")), spec.limits),
        "beats_baselines": _beats_again(answers, spec, baselines),
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
        rule=evidence.get("rule", 1),
    )
