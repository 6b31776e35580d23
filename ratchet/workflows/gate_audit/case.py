"""Case of an audit: one cycle's answers and what its gates judged them by, as the attacks find them.

Add here what an attack needs to read; attacks are `answer_attacks.py` and its neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ratchet.config.candidate import DEFAULT_BASES
from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.data.curation import SENT_SQL
from ratchet.data.label_choice import trained_labels
from ratchet.deployment.targets import ChosenTarget
from ratchet.evaluation.evaluate import read_splits
from ratchet.evaluation.gate_audit.probe_copies import Embed
from ratchet.evaluation.gate_audit.score_copies import Answers
from ratchet.evaluation.scoring import Scored, Split
from ratchet.gates.label_distribution import SERVED_SQL
from ratchet.models.embeddings import embed_and_keep, late_embedder
from ratchet.storage.golden_set import GoldenItem
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.storage.warehouse import Warehouse
from ratchet.training.plan import read_plan
from ratchet.training.result import read_result
from ratchet.workflows.gates.past_answers import read_past_answers
from ratchet.workflows.rollout.receipt_trust import key_in_force

ANSWERS_SQL = """
SELECT split, item, probabilities FROM predictions
WHERE classifier = $classifier AND week = $week AND model = 'candidate' AND adapter = $adapter
"""


@dataclass(frozen=True)
class AuditCase:
    """One cycle as its gates saw it; the candidate takes the part of live, and each copy that of a candidate."""

    spec: Spec
    adapter: str
    splits: Mapping[str, Split]
    answers: Answers
    """Answers of the cycle's candidate on test and golden."""
    baselines: Mapping[str, Mapping[str, float]]
    is_probe: bool
    requests: Mapping[str, int]
    """Requests of the week by served label."""
    before: Sequence[Mapping[str, Any]]
    """Labels and answers of the eight weeks before, counted."""
    embed: Embed
    """Features of texts by the frozen base, kept for the next call."""
    embed_once: Embed
    """The same for texts that no other cycle has."""
    targets: tuple[ChosenTarget, ...]
    weights: str
    """Digest of the candidate's weights."""
    report: bytes
    receipts: Sequence[Path]
    """Files of the cycle's receipts."""
    gate_key: str
    """Public half of the key that may sign receipts."""


def read_case(
    home: Home, warehouse: Warehouse, cycle: Cycle, whole: Spec, golden: list[GoldenItem], document: Mapping[str, Any]
) -> AuditCase:
    """Read the answers of the cycle's candidate, and what they were judged by; `document` is the eval report."""
    receipts = Receipts(home)
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
    training = home.training(cycle.classifier) / noted["plan"][:16]
    result = read_result(training)
    best = read_plan(training).candidates[result.best]
    frozen = best.base if best.family == "encoder" else DEFAULT_BASES["encoder"]
    return AuditCase(
        spec=spec,
        adapter=noted["adapter"],
        splits=splits,
        answers=answers,
        baselines=document["baselines"],
        is_probe=document["candidate"]["method"] == "probe",
        requests=dict(zip(served["label"], served["requests"].astype(int).tolist(), strict=True)),
        before=read_past_answers(warehouse, cycle, noted, LabelRuleFile(home, cycle.classifier).read()),
        embed=partial(embed_and_keep, training, frozen, best),
        embed_once=late_embedder(frozen, best),
        targets=Specs(home).targets(whole),
        weights=AdapterStore(home).weights_of(cycle.classifier, noted["adapter"]),
        report=(home.report(cycle) / "eval_report.json").read_bytes(),
        receipts=[path for path in sorted(home.receipts(cycle).glob("*.json")) if path.name != "cycle.json"],
        gate_key=key_in_force(home, Ledger(home).entries(cycle.classifier)),
    )
