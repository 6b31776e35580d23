"""The review queue of one classifier: batches for a person, one request at a time, and answers as corrections.

Page, terminal, files and Label Studio all use `ReviewQueue`. Add here a step of answering; how requests are handed out
is `batches.py`, when one has enough votes `ratchet/review/votes.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ratchet.config.people import persons_by_name
from ratchet.config.spec import Spec
from ratchet.core.errors import RatchetError
from ratchet.core.label_names import label_form
from ratchet.core.names import nearest
from ratchet.data.label_rules import LabelRules
from ratchet.data.records import ANSWERS
from ratchet.review.adjudicators import may_decide
from ratchet.review.batch import BATCH_SIZE
from ratchet.review.item import ADJUDICATION, CHECK, BatchItem, ReviewBatch, ReviewItem, ReviewResult, WaitingReason
from ratchet.review.reasons import MEANINGS
from ratchet.review.votes import CONFLICT
from ratchet.storage.home import Home
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.storage.review.event_log import append_events
from ratchet.storage.review.index_lines import IndexSettings, stored_row
from ratchet.storage.review.index_tables import CHOICE_SQL, WAITING_SQL
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.queue_index import QueueIndex
from ratchet.storage.review.suspensions import Suspensions
from ratchet.workflows.review.batches import (
    agreed_verdict,
    close_item,
    hold_batch,
    labels_in_conflict,
    lock,
    may_have,
    start_batch,
)

_SAME = ("label", "answer", "saw_prediction", "batch")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class ReviewQueue:
    """Queue of one classifier. Its methods may be called from several threads, and by several processes."""

    home: Home
    spec: Spec
    index: QueueIndex
    writer: str
    clock: Callable[[], datetime] = field(default=_now)

    @classmethod
    def open(
        cls, home: Home, name: str, spec: Spec, *, writer: str = "commands", clock: Callable[[], datetime] = _now
    ) -> "ReviewQueue":
        """Open the queue and take in what happened since the last look. Raises OSError and `sqlite3.Error`."""
        settings = IndexSettings(
            keep_secret(home.secret),
            persons_by_name(spec.people),
            spec.review.evidence_votes,
            spec.review.double_share,
            Suspensions(home, name).names(),
            LabelRuleFile(home, name).try_read() or LabelRules(),
        )
        index = QueueIndex(home, name, settings)
        index.refresh()
        return cls(home, spec, index, writer, clock)

    def refresh(self) -> None:
        """Take in what any process queued or answered since."""
        self.index.refresh()

    def close(self) -> None:
        """Close the index."""
        self.index.close()

    def waiting(self) -> tuple[WaitingReason, ...]:
        """Return the number and the oldest time of the requests that wait, by reason; a request counts for each."""
        found = {reason: (items, oldest) for reason, items, oldest in self.index.rows(WAITING_SQL)}
        return tuple(
            WaitingReason(reason, found[reason][0], datetime.fromtimestamp(found[reason][1], UTC))
            for reason in MEANINGS
            if reason in found
        )

    def batch(
        self, person: str, *, size: int = BATCH_SIZE, compared: bool = False, adjudicates: bool = True
    ) -> ReviewBatch:
        """Return the open batch of a person, else a new one; `of` is 0 where nothing waits for them.

        `compared` says that a candidate is being compared with live: its disagreements come first then. Without
        `adjudicates` a new batch holds no requests whose labels differ.
        """
        self.index.refresh()
        with self.index.change() as connection:
            found = connection.execute(
                "SELECT batch FROM batches WHERE person = ? AND NOT finished ORDER BY created DESC LIMIT 1", (person,)
            ).fetchone()
            if found is not None:
                return hold_batch(connection, found[0], person, self.clock())
            return start_batch(
                self.index, connection, self.spec.review, person, size, compared, self.clock(),
                adjudicates=adjudicates and may_decide(self.spec, person),
            )  # fmt: skip

    def current(self, person: str) -> ReviewItem | None:
        """Return the first unanswered request of the person's open batch; None where none is left."""
        with self.index.change() as connection:
            left = connection.execute(
                "SELECT b.batch, i.position, i.request_id, i.choice FROM batches b JOIN batch_items i"
                " ON i.batch = b.batch WHERE b.person = ? AND NOT b.finished AND NOT i.done"
                " ORDER BY i.answered IS NULL, b.created DESC, i.position", (person,),
            ).fetchall()  # fmt: skip
            for batch, position, request_id, choice in left:
                item, undone = self.index.read_item(request_id), self._is_undone(batch, request_id)
                if item is not None and (
                    undone or choice == CHECK
                    or may_have(
                        connection, request_id, person, self.clock(), adjudicates=may_decide(self.spec, person)
                    )
                ):  # fmt: skip
                    lock(connection, [request_id] if choice != CHECK else [], person, self.clock())
                    of = connection.execute("SELECT count(*) FROM batch_items WHERE batch = ?", (batch,)).fetchone()[0]
                    conflict = labels_in_conflict(connection, request_id) if choice == ADJUDICATION else ()
                    return ReviewItem(
                        request_id, batch, str(item["text"]), self._reasons(request_id), position, of, conflict
                    )
                close_item(connection, batch, request_id)  # others were quicker, or its text is gone
        return None

    def correction(
        self, person: str, annotator: str, request_id: str, *, label: str | None, answer: str | None = None,
        saw_prediction: bool, seconds: float | None = None, note: str = "", batch: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Return the row of `corrections` for an answer; the same answer once more gives the same row.

        Raises `RatchetError` for a request that is not queued, and a label or an answer that does not exist.
        """
        self._check(label, answer)
        item = self.index.rows(CHOICE_SQL, (request_id,))
        if not item:
            raise RatchetError(
                f"request {request_id[:60]!r} is not in the review queue.", "Take the next request of the batch.",
                code="not_queued",
            )  # fmt: skip
        mine, choice = self._place(person, request_id, batch)
        row = {
            "request_id": request_id, "ts": self.clock().astimezone(UTC).isoformat(),
            "label": None if label is None else label_form(label), "answer": answer, "annotator": annotator,
            "saw_prediction": saw_prediction, "batch": mine or None, "seconds": seconds, "note": note or None,
            "chosen": choice or (ADJUDICATION if self._decides_unasked(person, request_id, item[0]) else item[0][0]),
        }  # fmt: skip
        return self._given_before(person, row) or row

    def record(self, row: Mapping[str, Any]) -> None:
        """Take in an answer that is durable: it is not asked again."""
        self.index.add_answer(row)

    def skip(self, person: str, request_id: str) -> None:
        """Leave a request to another person; after two people it goes to adjudication. Durable on return."""
        event = {"event": "skipped", "request_id": request_id, "annotator": person, "ts": self.clock().isoformat()}
        append_events(self.home, self.index.name, self.writer, [event])
        self.index.refresh()
        self.release(person, request_id)

    def release(self, person: str, request_id: str) -> None:
        """Take a request out of the person's batch without an answer: others may have it at once."""
        with self.index.change() as connection:
            close_item(connection, self._place(person, request_id, None)[0], request_id)
            connection.execute("DELETE FROM locks WHERE request_id = ? AND person = ?", (request_id, person))

    def open_items(self, batch: str) -> tuple[BatchItem, ...]:
        """Return the unanswered requests of a batch, for a place where people answer in any order."""
        found = self.index.rows(
            "SELECT request_id, choice FROM batch_items WHERE batch = ? AND NOT done ORDER BY position", (batch,)
        )
        read = [(request_id, chosen, self.index.read_item(request_id)) for request_id, chosen in found]
        return tuple(
            BatchItem(request_id, batch, str(item["text"]), chosen) for request_id, chosen, item in read if item
        )

    def undo(self, person: str) -> str | None:
        """Bring the newest answer of the person's last batch back in front of them; return its request.

        Nothing is deleted: the next answer is a newer one.
        """
        with self.index.change() as connection:
            found = connection.execute(
                "SELECT i.batch, i.request_id FROM batch_items i JOIN batches b ON b.batch = i.batch WHERE b.person = ?"
                " AND i.answered IS NOT NULL AND i.done ORDER BY b.created DESC, i.answered DESC, i.position DESC",
                (person,),
            ).fetchone()
            if found is None:
                return None
            connection.execute("UPDATE batch_items SET done = 0 WHERE batch = ? AND request_id = ?", found)
            connection.execute("UPDATE batches SET finished = 0 WHERE batch = ?", (found[0],))
            return str(found[1])

    def result(self, batch: str) -> ReviewResult:
        """Return the outcome of a batch: how many of its agreed requests were answered as it was agreed."""
        sql = "SELECT count(*) FROM batch_items WHERE batch = ? AND answered IS NOT NULL"
        given = self.index.rows("SELECT request_id, verdict FROM checks WHERE batch = ?", (batch,))
        agreed = sum(verdict == agreed_verdict(self.index, request_id) for request_id, verdict in given)
        return ReviewResult(batch, self.index.rows(sql, (batch,))[0][0], len(given), agreed)

    def is_asked(self, person: str, request_id: str, batch: str = "") -> bool:
        """Return True where a batch of the person, or the one that is named, holds a request."""
        return bool(self._place(person, request_id, batch or None)[0])

    def _check(self, label: str | None, answer: str | None) -> None:
        labels = tuple(map(label_form, self.spec.labels))
        if (label is None) == (answer is None) or (answer is not None and answer not in ANSWERS):
            raise RatchetError(
                "an answer is either a label or one of none, cannot_tell and withdrawn.", "Give one of them.",
                code="bad_answer",
            )  # fmt: skip
        if label is not None and label_form(label) not in labels and not self._is_former(label_form(label), labels):
            raise RatchetError(
                f"{label[:60]!r} is not a label of this classifier.", nearest(label_form(label), labels),
                code="bad_label",
            )  # fmt: skip

    def _is_former(self, label: str, labels: Sequence[str]) -> bool:
        """Return True for a former name of one of the labels, which a tool goes on using."""
        rules = LabelRuleFile(self.home, self.spec.name).try_read()
        parts = rules.read(label).parts if rules else ()
        return len(parts) == 1 and parts[0] in labels

    def _place(self, person: str, request_id: str, batch: str | None) -> tuple[str, str]:
        """Return the batch, the person's newest or the one named, that holds the request, and how it was chosen."""
        found = self.index.rows(
            "SELECT i.batch, i.choice FROM batch_items i JOIN batches b ON b.batch = i.batch WHERE i.request_id = ?"
            " AND (b.batch = ? OR ? IS NULL AND b.person = ?) ORDER BY b.created DESC LIMIT 1",
            (request_id, batch, batch, person),
        )
        return found[0] if found else ("", "")

    def _decides_unasked(self, person: str, request_id: str, item: tuple[str, str, int]) -> bool:
        """Return True where an answer without a batch, which may be forgotten, decides a request as one from it does:
        never that of somebody whose own label is among those to decide on, or who may not adjudicate."""
        sql = "SELECT 1 FROM votes WHERE request_id = ? AND person = ? AND NOT withdrawn"
        decides = item[2] or (item[1] == CONFLICT and may_decide(self.spec, person))
        return bool(decides) and not self.index.rows(sql, (request_id, person))

    def _given_before(self, person: str, row: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the person's newest answer on the request where it says the same: a repeat adds no row."""
        table = "checks" if row["chosen"] == CHECK else "votes"
        sql = f"SELECT line FROM {table} WHERE request_id = ? AND person = ? ORDER BY ts DESC LIMIT 1"
        found = self.index.rows(sql, (row["request_id"], person))
        before = stored_row(found[0][0]) if found else None
        return before if before and all(before[name] == row[name] for name in _SAME) else None

    def _is_undone(self, batch: str, request_id: str) -> bool:
        sql = "SELECT answered FROM batch_items WHERE batch = ? AND request_id = ?"
        return self.index.rows(sql, (batch, request_id))[0][0] is not None

    def _reasons(self, request_id: str) -> tuple[str, ...]:
        found = {reason for (reason,) in self.index.rows(
            "SELECT reason FROM reasons WHERE request_id = ?", (request_id,)
        )}  # fmt: skip
        return tuple(meaning for reason, meaning in MEANINGS.items() if reason in found)
