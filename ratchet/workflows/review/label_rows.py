"""Rows of labels that changed: their counts, and the requests that people are asked about for it.

Add here another question to the rows; the command's steps are `labels.py`, and the cycle asks again what is left.
"""

from collections.abc import Collection
from datetime import datetime

from ratchet.config.spec import Spec
from ratchet.core.cycle import Cycle
from ratchet.data.label_rules import ADD, SPLIT, LabelRule, LabelRules
from ratchet.data.splitting import lookback_start
from ratchet.review.batch import BATCH_SIZE
from ratchet.review.item import RANDOM, VALUE, QueuedRequest
from ratchet.review.reasons import EXAMPLES
from ratchet.review.reasons import SPLIT as SPLIT_REASON
from ratchet.storage.home import Home
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.review.enqueue import enqueue, text_for_people

_COUNTS_SQL = """
SELECT label, count(DISTINCT request_id) AS requests FROM attributed_corrections
WHERE classifier = $classifier AND label IS NOT NULL GROUP BY label ORDER BY requests DESC, label
"""
_NAMED_SQL = """
SELECT count(DISTINCT request_id) AS requests FROM person_corrections
WHERE classifier = $classifier AND list_contains($names, label)
"""
_SPLIT_SQL = """
SELECT request_id, any_value(logs.text) AS text, any_value(c.label) AS label, max(c.ended_at) AS ended_at,
       bool_or(coalesce(c.chosen, 'random') = 'random') AS drawn
FROM attributed_corrections c JOIN production_logs logs USING (classifier, request_id)
WHERE classifier = $classifier AND c.ended_at IS NOT NULL AND list_contains($labels, c.label) AND logs.ts >= $since
GROUP BY request_id ORDER BY request_id
"""
"""Requests with a vote for a label that was split, which nobody has answered since."""
_EXAMPLES_SQL = """
WITH newest AS (
    SELECT DISTINCT ON (request_id, person) request_id, label, answer FROM attributed_corrections
    WHERE classifier = $classifier ORDER BY request_id, person, arrived DESC NULLS LAST, ts DESC
), votes AS (
    SELECT request_id, bool_or(label IS NOT NULL) AS labelled, bool_or(answer = 'none') AS fits_none
    FROM newest GROUP BY request_id
)
SELECT request_id, text, CASE WHEN fits_none THEN 1.0 ELSE (1 - coalesce(confidence, 0.5)) / 2 END AS value
FROM production_logs LEFT JOIN votes USING (request_id)
WHERE classifier = $classifier AND ts >= $since AND NOT coalesce(labelled, false)
ORDER BY value DESC, request_id LIMIT $most
"""
"""Requests that may be of a new label: first those that no label fits, then those of the lowest confidence."""


def count_labels(warehouse: Warehouse, name: str) -> dict[str, int]:
    """Return the number of labelled requests by label, as the rules read them."""
    rows = warehouse.frame(_COUNTS_SQL, {"classifier": name}).itertuples(index=False, name=None)
    return {str(label): int(n) for label, n in rows}


def count_named(warehouse: Warehouse, name: str, names: Collection[str]) -> int:
    """Return the number of requests that people gave one of these names, as they gave it."""
    return int(warehouse.frame(_NAMED_SQL, {"classifier": name, "names": [*names]})["requests"].iloc[0])


def ask_about(home: Home, warehouse: Warehouse, spec: Spec, rule: LabelRule, rules: LabelRules) -> tuple[int, str]:
    """Queue the requests about which `rule` asks people; return their number and the reason; none, '' otherwise.

    May be repeated: a request is one item for each reason, however often it is queued.
    """
    if rule.action == SPLIT:
        return ask_about_splits(home, warehouse, spec, rules, writer="commands"), SPLIT_REASON
    if rule.action == ADD:
        return _ask_for_examples(home, warehouse, spec, rule), EXAMPLES
    return 0, ""


def ask_about_splits(home: Home, warehouse: Warehouse, spec: Spec, rules: LabelRules, *, writer: str) -> int:
    """Queue every request of the look-back window whose label was split, and which nobody has answered since.

    Whether a request judges stays as it was chosen: all of the label are asked, whatever was answered.
    """
    split = sorted(
        {image.reading.label for image in rules.images() if len(image.reading.parts) and image.reading.ended_at}
    )
    since = _first(warehouse, spec)
    if not split or since is None:
        return 0
    rows = warehouse.frame(_SPLIT_SQL, {"classifier": spec.name, "labels": split, "since": since}).to_dict("records")
    items = [
        QueuedRequest(
            str(row["request_id"]), SPLIT_REASON, row["ended_at"].to_pydatetime(),
            text_for_people(spec, str(row["text"])), RANDOM if row["drawn"] else VALUE,
        )
        for row in rows
    ]  # fmt: skip
    return enqueue(home, spec.name, items, writer=writer)


def _ask_for_examples(home: Home, warehouse: Warehouse, spec: Spec, rule: LabelRule) -> int:
    counts, since = count_labels(warehouse, spec.name), _first(warehouse, spec)
    lacking = [label for label in rule.new if counts.get(label, 0) < spec.limits.min_examples_per_class]
    if not lacking or since is None:
        return 0
    params = {"classifier": spec.name, "since": since, "most": BATCH_SIZE}
    rows = warehouse.frame(_EXAMPLES_SQL, params).to_dict("records")
    items = [
        QueuedRequest(
            str(row["request_id"]), EXAMPLES, rule.at, text_for_people(spec, str(row["text"])),
            value=float(row["value"]), detail=f"the new label {', '.join(lacking)} lacks examples",
        )
        for row in rows
    ]  # fmt: skip
    return enqueue(home, spec.name, items, writer="commands")


def _first(warehouse: Warehouse, spec: Spec) -> datetime | None:
    weeks = warehouse.weeks(spec.name)
    return lookback_start(Cycle(spec.name, max(weeks)), spec.window) if weeks else None
