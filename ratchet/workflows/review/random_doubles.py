"""Randomly doubled requests: those whose second label came by the queue's draw, or that no queue asked for.

A request that was drawn at random may be labelled twice for another reason: a gate blocked on it, or its label was left
out. On such requests people differ more often. Add here another reading of who labelled the same request.
"""

from typing import Any

import pandas as pd

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.data.splitting import lookback_start
from ratchet.gates.label_agreement import DOUBLES_SQL
from ratchet.metrics.annotator_pairs import find_differing, measure_pairs
from ratchet.review.draw import DOUBLE, is_drawn
from ratchet.storage.home import Home
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.storage.warehouse import Warehouse


def read_random_doubles(home: Home, spec: Spec, warehouse: Warehouse, cycle: Cycle) -> pd.DataFrame:
    """Return the rows of `DOUBLES_SQL` of the look-back window whose request was drawn for a second label.

    Where every request needs two votes all are; a request without a record of a choice is taken as it came.
    """
    first = lookback_start(cycle, spec.window).date()
    rows = warehouse.frame(DOUBLES_SQL, {"classifier": cycle.classifier, "first": first, "week": cycle.week})
    if spec.review.evidence_votes > 1 or not rows["recorded"].any():
        return rows
    key, share = keep_secret(home.secret), spec.review.double_share
    drawn = [
        not recorded or is_drawn(key, DOUBLE, str(request), share)
        for request, recorded in zip(rows["request_id"], rows["recorded"], strict=True)
    ]
    return rows[drawn].reset_index(drop=True)


def name_differing(doubles: pd.DataFrame, spec: Spec) -> list[dict[str, Any]]:
    """Return the people who differ from all others in each week of `doubles`, with their figures, the newest first."""
    result = []
    for week, rows in doubles.groupby(doubles["week"].astype(str).str[:10], sort=True):
        found = measure_pairs(rows, spec.labels)
        result += [
            {"week": str(week), **each.as_json(), "person": found.names[each.annotator]}
            for each in find_differing(found.pairs, spec.limits.min_agreement)
        ]
    return result[::-1]
