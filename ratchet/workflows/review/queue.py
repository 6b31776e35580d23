"""The review queue of one classifier: batches for a person, one request at a time, and answers as corrections.

Page, terminal, files and Label Studio all use `ReviewQueue`. Add here a step of answering; how requests are handed out
is `batches.py`, what becomes of an answer `corrections.py`, when a request has enough votes `ratchet/review/votes.py`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from ratchet.config.people import persons_by_name
from ratchet.config.spec import Spec
from ratchet.core.label_names import label_form
from ratchet.data.label_rules import LabelRules
from ratchet.review.adjudicators import may_decide
from ratchet.review.batch import BATCH_SIZE
from ratchet.review.item import ADJUDICATION, CHECK, BatchItem, ReviewBatch, ReviewItem, ReviewResult, WaitingReason
from ratchet.review.reasons import MEANINGS
from ratchet.storage.home import Home
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.storage.review.event_log import append_events
from ratchet.storage.review.index_settings import IndexSettings
from ratchet.storage.review.index_tables import WAITING_SQL
from ratchet.storage.review.label_rules import LabelRuleFile
from ratchet.storage.review.queue_index import QueueIndex
from ratchet.storage.review.suspensions import Suspensions
from ratchet.workflows.review.batches import (
    close_item,
    hold_batch,
    labels_in_conflict,
    lock,
    may_have,
    read_result,
    reopen_newest,
    start_batch,
)
from ratchet.workflows.review.corrections import check_answer, choose_how, find_place, given_before, was_shown


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
                "SELECT b.batch, i.position, i.request_id, i.choice, i.answered IS NOT NULL FROM batches b"
                " JOIN batch_items i ON i.batch = b.batch WHERE b.person = ? AND NOT b.finished AND NOT i.done"
                " ORDER BY i.answered IS NULL, b.created DESC, i.position", (person,),
            ).fetchall()  # fmt: skip
            for batch, position, request_id, choice, undone in left:
                item = self.index.read_item(request_id)
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
        check_answer(self.home, self.spec, label, answer)
        mine, chosen = choose_how(self.index, self.spec, person, request_id, batch)
        saw = saw_prediction or was_shown(self.home, self.spec.name, person, request_id, chosen)
        row = {
            "request_id": request_id, "ts": self.clock().astimezone(UTC).isoformat(),
            "label": None if label is None else label_form(label), "answer": answer, "annotator": annotator,
            "saw_prediction": saw, "batch": mine, "seconds": seconds, "note": note or None, "chosen": chosen,
        }  # fmt: skip
        return given_before(self.index, person, row) or row

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
            close_item(connection, find_place(self.index, person, request_id)[0], request_id)
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
            return reopen_newest(connection, person)

    def result(self, batch: str) -> ReviewResult:
        """Return the outcome of a batch: how many of its agreed requests were answered as it was agreed."""
        return read_result(self.index, batch)

    def is_asked(self, person: str, request_id: str, batch: str = "") -> bool:
        """Return True where a batch of the person, or the one that is named, holds a request."""
        return bool(find_place(self.index, person, request_id, batch or None)[0])

    def _reasons(self, request_id: str) -> tuple[str, ...]:
        sql = "SELECT reason FROM reasons WHERE request_id = ? AND state <> 'left'"
        found = {reason for (reason,) in self.index.rows(sql, (request_id,))}
        return tuple(meaning for reason, meaning in MEANINGS.items() if reason in found)
