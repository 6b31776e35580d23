"""Stored answers of a cycle's candidate and of live, as the gates of the model read them again.

Add here what a gate needs of a cycle's answers; `recheck.py` judges them.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ratchet.core.cycle import Cycle
from ratchet.gates.golden_agreement import (
    CONFUSIONS_SQL,
)
from ratchet.gates.golden_anchor import Anchor
from ratchet.gates.golden_set_regression import GOLDEN_SQL
from ratchet.gates.label_distribution import SERVED_SQL
from ratchet.gates.paired_answers import PAIRED_SQL
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.earlier_cycles import load_anchor

LIVE_AGAIN = "live_again"
"""Model of answers that an adapter gave to the items of an older cycle, once it was live (`answer_again.py`)."""
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
SELECT c.item, c.text, c.label, c.predicted AS candidate, l.predicted AS live, l.adapter AS live_adapter
{_OF_BOTH} ORDER BY length(c.item), c.item
"""
_PAIRED_OF_BOTH_SQL = f"""
SELECT c.split, c.label, c.predicted AS candidate, l.predicted AS live, c.probabilities AS candidate_p,
       l.probabilities AS live_p, NULL AS extra, NULL AS served
{_OF_BOTH} ORDER BY length(c.item), c.item
"""
_DISTANCE_OF_BOTH_SQL = f"SELECT max(list_distance(c.probabilities, l.probabilities)) {_OF_BOTH}"


def _with_new_live(sql: str) -> str:
    """Return `sql` for the answers that an adapter gave again, in place of those of what was live in the cycle."""
    return sql.replace("l.model = 'live'", f"l.model = '{LIVE_AGAIN}' AND l.adapter = $live")


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
    paired: list[dict[str, Any]] | None
    """Rows of both on the same items, as in `PAIRED_SQL`; None where their probabilities cannot be compared."""
    anchor: Anchor
    """Answers of the adapter of 13 weeks ago on the golden set."""
    labels_waiting: frozenset[str]
    """Labels of the specification that the cycle did not train yet."""
    distance: float | None
    """Largest Euclidean distance of the two adapters' probabilities for a text; None where they are not known."""


def read_stored_answers(home: Home, cycle: Cycle, adapter: str) -> StoredAnswers:
    """Stored answers of `adapter` in `cycle`."""
    params, warehouse = (
        {"classifier": cycle.classifier, "week": cycle.week, "adapter": adapter},
        open_warehouse(home, cycle.classifier),
    )
    judged = warehouse.frame(_JUDGED_SQL, params)
    golden = warehouse.frame(GOLDEN_SQL, params)
    live = next((str(digest) for digest in judged.loc[judged["model"] == "live", "adapter"].unique()), None)
    served = warehouse.frame(SERVED_SQL, {"classifier": cycle.classifier, "week": cycle.week})
    return StoredAnswers(
        judged[(judged["model"] == "candidate") & (judged["split"] == "test")],
        golden,
        _records(warehouse.frame(CONFUSIONS_SQL, params)),
        dict(zip(served["label"], served["requests"].astype(int).tolist(), strict=True)),
        live,
        _records(warehouse.frame(PAIRED_SQL, params)),
        _load_anchor(home, warehouse, cycle, golden, live),
        frozenset(Receipts(home).noted(cycle).get("data", {}).get("labels_waiting", {})),
        _read_distance(warehouse, _DISTANCE_SQL, params),
    )


def compare_with(home: Home, answers: StoredAnswers, cycle: Cycle, adapter: str, live: str) -> StoredAnswers | None:
    """Return the answers of `adapter` beside those of another adapter that is live by now: those that it gave again to
    the items of this cycle, else those from its own cycle.

    None where that cycle's golden set was another one, or its answers are no longer stored.
    """
    params = {"classifier": cycle.classifier, "week": cycle.week, "adapter": adapter, "live": live}
    warehouse = open_warehouse(home, cycle.classifier)
    again = warehouse.frame(_with_new_live(GOLDEN_SQL), params)
    if len(again) == len(answers.golden) and not again["live"].isna().any():
        return replace(
            answers,
            golden=again,
            compared_with=live,
            paired=_records(warehouse.frame(_with_new_live(PAIRED_SQL), params)),
            anchor=_load_anchor(home, warehouse, cycle, again, live),
            distance=_read_distance(warehouse, _with_new_live(_DISTANCE_SQL), params),
        )
    golden = warehouse.frame(_GOLDEN_OF_BOTH_SQL, params)
    if len(golden) != len(answers.golden) or golden["live"].isna().any():
        return None
    return replace(
        answers,
        golden=golden,
        compared_with=live,
        paired=_pair_with(warehouse, params),
        anchor=_load_anchor(home, warehouse, cycle, golden, live),
        distance=_read_distance(warehouse, _DISTANCE_OF_BOTH_SQL, params),
    )


def _pair_with(warehouse: Warehouse, params: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return the golden answers of both; None where the other one's cycle had its labels in another order."""
    rows = _records(warehouse.frame(_PAIRED_OF_BOTH_SQL, params))
    columns: dict[str, set[int]] = {}
    for row in rows:
        for model in ("candidate", "live"):
            columns.setdefault(row[model], set()).add(int(np.argmax(row[f"{model}_p"])))
    alike = all(len(row["candidate_p"]) == len(row["live_p"]) for row in rows)
    return rows if alike and all(len(places) == 1 for places in columns.values()) else None


def _records(frame: Any) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def _load_anchor(home: Home, warehouse: Warehouse, cycle: Cycle, golden: Any, live: str | None) -> Anchor:
    return load_anchor(home, warehouse, cycle, [*golden[["text", "label"]].itertuples(index=False, name=None)], live)


def _read_distance(warehouse: Warehouse, sql: str, params: dict[str, Any]) -> float | None:
    found = warehouse.frame(sql, {key: params[key] for key in params if f"${key}" in sql})
    return next((float(value) for value in found.iloc[:, 0].dropna()), None)
