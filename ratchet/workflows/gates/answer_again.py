"""Answers of a new live on an older cycle's items: without training, so that its candidate can be judged again.

Live changes while a candidate waits for another to be decided. Add here what else must be computed before a waiting
candidate is judged by what is live now; it is judged in `recheck.py`, from what `stored_answers.py` reads.
"""

from typing import Any

import numpy as np
import pandas as pd

from ratchet.core.cycle import Cycle
from ratchet.core.label_names import label_form
from ratchet.data.curation import SENT_SQL
from ratchet.data.label_choice import trained_labels
from ratchet.evaluation.evaluate import read_splits
from ratchet.evaluation.scoring import score
from ratchet.ingest.rebuild import open_warehouse
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.specs import Specs
from ratchet.workflows.gates.stored_answers import LIVE_AGAIN, read_stored_answers

_STORED_SQL = "SELECT * FROM predictions WHERE classifier = $classifier AND week = $week"


def answer_again(home: Home, cycle: Cycle, adapter: str) -> bool:
    """Let live answer test and golden set of a cycle whose candidate `adapter` was compared with another live, or with
    none; return True where it did. Its answers are stored beside those of the cycle, which stay as they are.

    Raises `RatchetError` for an adapter that cannot be opened.
    """
    live = Ledger(home).live(cycle.classifier)
    if live is None or live == adapter or read_stored_answers(home, cycle, adapter).compared_with == live:
        return False
    warehouse, shared = open_warehouse(home, cycle.classifier), {"classifier": cycle.classifier, "week": cycle.week}
    stored = warehouse.frame(_STORED_SQL, shared)
    if ((stored["model"] == LIVE_AGAIN) & (stored["adapter"] == live)).any():
        return False
    specs, noted = Specs(home), Receipts(home).noted(cycle)
    labels = specs[cycle.classifier].narrowed(trained_labels(specs[cycle.classifier], noted)).labels
    splits = read_splits(warehouse.frame(SENT_SQL, shared), specs.golden(cycle.classifier), labels)
    predictor = load_predictor(AdapterStore(home).open(cycle.classifier, live))
    rules = LabelRuleFile(home, cycle.classifier).read()
    means = {label: each.parts for label, each in rules.read_adapter([*map(label_form, predictor.labels)]).items()}
    of_candidate = stored[(stored["model"] == "candidate") & (stored["adapter"] == adapter)]
    rows: list[dict[str, Any]] = []
    for name in ("test", "golden"):
        split, answered = splits[name], of_candidate[of_candidate["split"] == name].set_index("item")["predicted"]
        beside = np.array([labels.index(answered.get(item, labels[0])) for item in split.items], dtype=np.int64)
        scored = score(predictor, split, labels, means, beside)
        rows += [{**shared, "model": LIVE_AGAIN, "adapter": live, **row} for row in scored.rows(labels)]
    kept = stored[stored["model"] != LIVE_AGAIN]
    warehouse.replace("predictions", cycle.classifier, cycle.week, pd.concat([kept, pd.DataFrame(rows)]))
    return True
