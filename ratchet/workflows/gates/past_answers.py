"""Answers of earlier cycles' candidates on the labels of their own weeks, from the warehouse.

Add here another reading of stored answers of the past; the comparison is `ratchet/gates/class_history.py`.
"""

from collections.abc import Mapping
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.data.label_rules import LabelRules
from ratchet.gates.class_history import HISTORY_SQL, read_as_now
from ratchet.storage.warehouse import Warehouse


def read_past_answers(
    warehouse: Warehouse, cycle: Cycle, noted: Mapping[str, Any], rules: LabelRules
) -> list[dict[str, Any]]:
    """Return rows of label, answer and count of the eight weeks before `cycle`, by the labels of now.

    Weeks that were quarantined when the training set was made (`noted`) are left out.
    """
    held = sorted(noted.get("data", {}).get("quarantined", {}))
    params = {"classifier": cycle.classifier, "week": cycle.week, "held": held}
    return read_as_now(warehouse.frame(HISTORY_SQL, params).to_dict("records"), rules)
