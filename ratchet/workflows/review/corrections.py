"""Corrections that are made of people's answers: checked, with how the request was chosen, and a repeat as it was.

Add here what a correction keeps of an answer. Which request is asked is `queue.py`; the doors by which a row becomes
durable are the gateway's journal and `answer.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form
from ratchet.core.names import nearest
from ratchet.data.records import ANSWERS
from ratchet.review.adjudicators import may_decide
from ratchet.review.item import ADJUDICATION, CHECK
from ratchet.review.votes import CONFLICT
from ratchet.storage.home import Home
from ratchet.storage.review.exchange_log import ExchangeLog
from ratchet.storage.review.index_lines import stored_row
from ratchet.storage.review.index_tables import CHOICE_SQL
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.queue_index import QueueIndex

_SAME = ("label", "answer", "saw_prediction", "batch")


def check_answer(home: Home, spec: Spec, label: str | None, answer: str | None) -> None:
    """Raise `RatchetError` for a label or an answer that does not exist, for both and for neither."""
    labels = tuple(map(label_form, spec.labels))
    if (label is None) == (answer is None) or (answer is not None and answer not in ANSWERS):
        raise RatchetError(
            "an answer is either a label or one of none, cannot_tell and withdrawn.",
            "Give one of them.",
            code="bad_answer",
        )
    if label is not None and label_form(label) not in labels and not _is_former(home, spec, label_form(label), labels):
        raise RatchetError(
            f"{label[:60]!r} is not a label of this classifier.", nearest(label_form(label), labels), code="bad_label"
        )


def find_place(index: QueueIndex, person: str, request_id: str, batch: str | None = None) -> tuple[str, str]:
    """Return the batch, the person's newest or the one named, that holds the request, and how it was chosen there.

    Both are empty where there is none.
    """
    found = index.rows(
        "SELECT i.batch, i.choice FROM batch_items i JOIN batches b ON b.batch = i.batch WHERE i.request_id = ?"
        " AND (b.batch = ? OR ? IS NULL AND b.person = ?) ORDER BY b.created DESC LIMIT 1",
        (request_id, batch, batch, person),
    )
    return found[0] if found else ("", "")


def was_shown(home: Home, name: str, person: str, request_id: str, chosen: str) -> bool:
    """Return True where the person has had the prediction in a file, wherever they answer now.

    Who adjudicates decides between labels that they see, so no decision is anchored by it.
    """
    return chosen != ADJUDICATION and ExchangeLog(home, name).showed(person, request_id)


def choose_how(
    index: QueueIndex, spec: Spec, person: str, request_id: str, batch: str | None
) -> tuple[str | None, str]:
    """Return the batch of an answer, and how its request was chosen; raises `RatchetError` where it is not queued."""
    item = index.rows(CHOICE_SQL, (request_id,))
    if not item:
        raise RatchetError(
            f"request {request_id[:60]!r} is not in the review queue.",
            "Take the next request of the batch.",
            code="not_queued",
        )
    mine, choice = find_place(index, person, request_id, batch)
    decides = not choice and _decides_unasked(index, spec, person, request_id, item[0])
    return mine or None, choice or (ADJUDICATION if decides else item[0][0])


def given_before(index: QueueIndex, person: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the person's newest answer on the request where it says the same: a repeat adds no row."""
    table = "checks" if row["chosen"] == CHECK else "votes"
    sql = f"SELECT line FROM {table} WHERE request_id = ? AND person = ? ORDER BY ts DESC LIMIT 1"
    found = index.rows(sql, (row["request_id"], person))
    before = stored_row(found[0][0]) if found else None
    return before if before and all(before[name] == row[name] for name in _SAME) else None


def _is_former(home: Home, spec: Spec, label: str, labels: Sequence[str]) -> bool:
    """Return True for a former name of one of the labels, which a tool goes on using."""
    rules = LabelRuleFile(home, spec.name).try_read()
    parts = rules.read(label).parts if rules else ()
    return len(parts) == 1 and parts[0] in labels


def _decides_unasked(index: QueueIndex, spec: Spec, person: str, request_id: str, item: tuple[str, str, int]) -> bool:
    """Return True where an answer without a batch, which may be forgotten, decides a request as one from it does:
    never that of somebody whose own label is among those to decide on, or who may not adjudicate."""
    sql = "SELECT 1 FROM votes WHERE request_id = ? AND person = ? AND NOT withdrawn"
    decides = item[2] or (item[1] == CONFLICT and may_decide(spec, person))
    return bool(decides) and not index.rows(sql, (request_id, person))
