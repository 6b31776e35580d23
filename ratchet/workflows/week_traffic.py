"""Traffic of a cycle's week, as its first stage notes it: a week that its data block has these figures, too.

Add here where a figure of the traffic comes from; how it is computed is `ratchet/evaluation/week_traffic.py`.
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.evaluation.week_traffic import TRAFFIC_SQL, describe_traffic
from ratchet.rollout.sealed_policy import raise_thresholds
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.fit_acting import read_thresholds
from ratchet.workflows.review.waiting import count_week


def measure_traffic(home: Home, warehouse: Warehouse, spec: Spec, cycle: Cycle) -> dict[str, Any]:
    """Return requests, confidences and review of the week, and the price of the machine: JSON types."""
    before = cycle.week - timedelta(days=7)
    acting = spec
    with suppress(RatchetError, OSError):  # live is damaged: the thresholds of the file count
        acting = raise_thresholds(spec, read_thresholds(home, spec.name, Ledger(home).live(spec.name)))
    rows = warehouse.frame(
        TRAFFIC_SQL,
        {
            "classifier": cycle.classifier,
            "week": cycle.week,
            "before": before,
            "labels": [label.name for label in acting.label],
            "floors": [label.threshold for label in acting.label],
        },
    ).to_dict("records")
    weeks: dict[str, Any] = {str(row["week"])[:10]: row for row in rows}
    figures = describe_traffic(weeks, str(cycle.week), str(before))
    reviewed, waiting = count_week(home, spec, cycle.start, cycle.end)
    price = spec.machine.price_per_hour
    return {**figures, "reviewed": reviewed, "waiting": waiting, "price_per_hour": price}
