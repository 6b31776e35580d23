"""Digests of a cycle's tables, which stages note and receipts bind: logs, votes and answers.

Add here another table that a stage hands on; how the digests must fit together is `ratchet/gates/chain.py`.
"""

from datetime import date

from ratchet.config.window import Window
from ratchet.core.cycle import Cycle
from ratchet.data.consensus import KEPT_VOTES_SQL
from ratchet.data.splitting import lookback_start
from ratchet.storage.warehouse import Warehouse

_ROW = "CAST(to_json(r) AS VARCHAR)"
_DIGEST = "SELECT sha256(coalesce(string_agg({row}, chr(10) ORDER BY {order}), '')) FROM ({rows}) r"
_VOTE = (
    "to_json({'week': r.week, 'request_id': r.request_id, 'annotator': r.annotator, 'ts': r.ts, 'label': r.label,"
    " 'saw_prediction': r.saw_prediction})::VARCHAR || CASE WHEN r.chosen IS NULL THEN '' ELSE"
    " to_json({'chosen': r.chosen, 'answer': r.answer, 'adjudicates': r.adjudicates})::VARCHAR END"
)
"""A vote as text; one without a record of a choice is as it always was, so that digests of before hold."""
_LOGS_SQL = """
SELECT request_id, ts, text, label, confidence FROM production_logs WHERE classifier = $classifier AND week = $week
"""
_ANSWERS_SQL = """
SELECT model, adapter, split, item, text, label, predicted, confidence, probabilities
FROM predictions WHERE classifier = $classifier AND week = $week AND model IN ('candidate', 'live')
"""


def digest_logs(warehouse: Warehouse, cycle: Cycle) -> str:
    """Return the SHA-256 of the requests of the cycle's week."""
    return _digest(warehouse, _LOGS_SQL, "r.request_id", cycle)


def digest_votes(warehouse: Warehouse, cycle: Cycle, window: Window) -> str:
    """Return the SHA-256 of the votes that labels of the look-back window are made of."""
    return digest_votes_from(warehouse, cycle, lookback_start(cycle, window).date())


def digest_votes_from(warehouse: Warehouse, cycle: Cycle, first: date) -> str:
    """Return the SHA-256 of the votes on requests from the week `first` to the cycle's own."""
    return _digest(warehouse, KEPT_VOTES_SQL, "r.week, r.request_id, r.annotator", cycle, _VOTE, first=first)


def digest_answers(warehouse: Warehouse, cycle: Cycle) -> str:
    """Return the SHA-256 of the answers of candidate and live."""
    return _digest(warehouse, _ANSWERS_SQL, "r.model, r.split, r.item", cycle)


def _digest(warehouse: Warehouse, rows: str, order: str, cycle: Cycle, row: str = _ROW, **more: date) -> str:
    params = {"classifier": cycle.classifier, "week": cycle.week, **more}
    return str(warehouse.frame(_DIGEST.format(rows=rows, order=order, row=row), params).iloc[0, 0])
