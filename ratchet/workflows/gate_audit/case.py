"""Case of an audit: one cycle's answers and what its gates judged them by, as the attacks find them.

Add here what an attack needs to read; attacks are `answer_attacks.py` and its neighbours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.data.curation import SENT_SQL
from ratchet.data.label_choice import trained_labels
from ratchet.evaluation.evaluate import read_splits
from ratchet.evaluation.gate_audit.score_copies import Answers
from ratchet.evaluation.scoring import Scored, Split
from ratchet.gates.label_distribution import SERVED_SQL
from ratchet.storage.golden_set import GoldenItem
from ratchet.storage.receipts import Receipts
from ratchet.storage.warehouse import Warehouse

ANSWERS_SQL = """
SELECT split, item, probabilities FROM predictions
WHERE classifier = $classifier AND week = $week AND model = 'candidate' AND adapter = $adapter
"""


@dataclass(frozen=True)
class AuditCase:
    """One cycle as its gates saw it; the candidate takes the part of live, and each copy that of a candidate."""

    cycle: Cycle
    spec: Spec
    adapter: str
    splits: Mapping[str, Split]
    answers: Answers
    """Answers of the cycle's candidate on test and golden."""
    baselines: Mapping[str, Mapping[str, float]]
    is_probe: bool
    requests: Mapping[str, int]
    """Requests of the week by served label."""
    receipts: Receipts


def read_case(
    warehouse: Warehouse,
    receipts: Receipts,
    cycle: Cycle,
    whole: Spec,
    golden: list[GoldenItem],
    document: Mapping[str, Any],
) -> AuditCase:
    """Read the answers of the cycle's candidate, and what they were judged by; `document` is the eval report."""
    noted, of_week = receipts.noted(cycle), {"classifier": cycle.classifier, "week": cycle.week}
    spec = whole.narrowed(trained_labels(whole, noted))
    splits = read_splits(warehouse.frame(SENT_SQL, of_week), golden, spec.labels)
    rows = warehouse.frame(ANSWERS_SQL, {**of_week, "adapter": noted["adapter"]})
    answers = {}
    for name in ("test", "golden"):
        given = rows[rows["split"] == name].set_index("item")["probabilities"]
        probabilities = np.array([given[item] for item in splits[name].items], dtype=float)
        answers[name] = Scored(splits[name], probabilities, probabilities)
    served = warehouse.frame(SERVED_SQL, of_week)
    return AuditCase(
        cycle=cycle,
        spec=spec,
        adapter=noted["adapter"],
        splits=splits,
        answers=answers,
        baselines=document["baselines"],
        is_probe=document["candidate"]["method"] == "probe",
        requests=dict(zip(served["label"], served["requests"].astype(int).tolist(), strict=True)),
        receipts=receipts,
    )
