"""Draw of a comparison's evidence: its terms when it begins, and a lower rate when its labels cannot keep up.

Add here a figure that the rate follows; the rule is `ratchet/rollout/evidence/stream.py`, counting is
`count_evidence.py`.
"""

from datetime import datetime, timedelta
from typing import Any

from ratchet.config.policy import PromotionPolicy
from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout.evidence.stream import Pace, Stream, choose_rate, is_due, lower_rate
from ratchet.rollout.state import RolloutState
from ratchet.storage.home import Home
from ratchet.storage.review.event_log import list_logs
from ratchet.storage.review.evidence_rates import append_rate, read_rates
from ratchet.storage.rollout.ledger import Ledger
from ratchet.storage.warehouse import Warehouse

_LABELS_SQL = """
SELECT count(*) FILTER (NOT saw_prediction) AS votes, count(*) FILTER (chosen IS NOT NULL) AS from_queue,
       count(*) AS given, min(ts) AS first
FROM attributed_corrections WHERE classifier = $classifier AND ts > $since AND ts <= $now
"""
_TRAFFIC_SQL = """
SELECT count(*) FROM production_logs WHERE classifier = $classifier
  AND ts > (SELECT max(ts) FROM production_logs WHERE classifier = $classifier) - INTERVAL 7 DAY
"""
_DIFFERENCE_SQL = """
SELECT count(*) AS compared, count(*) FILTER (c.predicted <> l.predicted) AS differing
FROM predictions c JOIN predictions l
  ON l.classifier = c.classifier AND l.week = c.week AND l.model IN ('live', 'live_again') AND l.adapter = $live
  AND l.split = c.split AND l.item = c.item
WHERE c.classifier = $classifier AND c.week = $week AND c.model = 'candidate' AND c.adapter = $adapter
"""
_WEEKS = 4


def plan_stream(home: Home, spec: Spec, cycle: Cycle, adapter: str, now: datetime) -> Stream:
    """Return the terms of a comparison that begins `now`.

    Where people labelled in the last four weeks, but nothing that the queue asked for, and no gateway ever queued a
    request, the home is fed by files: then no request is drawn by us, and the labelled ones count. The share of answers
    that differ is that of the cycle.
    """
    warehouse = open_warehouse(home, cycle.classifier)
    live = Ledger(home).live(cycle.classifier)
    shared = {"classifier": cycle.classifier, "week": cycle.week, "adapter": adapter, "live": live}
    votes, from_queue, given = _labels(warehouse, cycle.classifier, now)
    has_gateway = any(path.name.startswith("gateway-") for path in list_logs(home, cycle.classifier))
    if given and not from_queue and not has_gateway:
        return Stream(drawn=False)
    with warehouse.connect() as connection:
        compared, differing = connection.execute(_DIFFERENCE_SQL, shared).fetchall()[0]
    pace = Pace(votes, _traffic(warehouse, spec), differing, compared)
    return Stream(drawn=True, rates=(choose_rate(spec.review, pace, now),))


def stream_of(
    home: Home, classifier: str, state: RolloutState, policy: ReviewPolicy, promotion: PromotionPolicy
) -> Stream | None:
    """Return the terms of the comparison that is running; None where it began before requests were drawn."""
    if state.entered is None:
        return None
    rates = read_rates(home, classifier, state.entered.sequence)
    found = Stream.read(state.entered.stream, rates)
    if found is None:
        return None
    share = (1 - policy.compared_audit_share) / (policy.evidence_votes + policy.double_share)
    return Stream(found.drawn, found.rates, promotion.ripe_hours, policy.evidence_votes, share)


def lower_when_behind(
    home: Home, spec: Spec, warehouse: Warehouse, sequence: int, stream: Stream, seen: dict[str, int], now: datetime
) -> None:
    """Lower the rate of the comparison that began with entry `sequence`, once a day, where more waits for a label than
    the team gives. `seen` counts `compared`, `differing` and `waiting`."""
    before = stream.rate_at(now)
    if not stream.drawn or not is_due(before, now):
        return
    votes, _, _ = _labels(warehouse, spec.name, now)
    pace = Pace(votes, _traffic(warehouse, spec), seen["differing"], seen["compared"], seen["waiting"])
    if (rate := lower_rate(before, choose_rate(spec.review, pace, now))) is not None:
        why = f"{pace.waiting} requests wait for a label; the team gives {votes:.0f} a week"
        append_rate(home, spec.name, sequence, rate, why)


def _labels(warehouse: Warehouse, classifier: str, now: datetime) -> tuple[float, int, int]:
    """Return the blind votes in a week, over the last four, the labels that the queue asked for, and all labels."""
    since = now - timedelta(weeks=_WEEKS)
    values: dict[str, Any] = {"classifier": classifier, "since": since, "now": now}
    with warehouse.connect() as connection:
        votes, from_queue, given, first = connection.execute(_LABELS_SQL, values).fetchall()[0]
    weeks = _WEEKS if first is None else min(_WEEKS, max(1.0, (now - first) / timedelta(weeks=1)))
    return votes / weeks, from_queue, given


def _traffic(warehouse: Warehouse, spec: Spec) -> float:
    """Return the requests of the newest seven days that a candidate would answer, too."""
    with warehouse.connect() as connection:
        requests = connection.execute(_TRAFFIC_SQL, {"classifier": spec.name}).fetchall()[0][0]
    return float(requests * spec.promotion.shadow_share)
