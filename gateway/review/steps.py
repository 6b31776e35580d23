"""Steps of reviewing at the gateway, each of which blocks: they run in threads, never on the event loop.

A text is shown only after the line that says who reads it is on disk. Add here a step; page and JSON share all of them
(`gateway/routes/review_page.py`).
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gateway.errors import RequestError
from gateway.review.queues import OpenQueue, unusable
from ratchet.core.errors import RatchetError
from ratchet.review.item import ReviewItem, ReviewResult
from ratchet.storage.review.read_log import ReadLog

_ERRORS = {
    "not_queued": (409, "This request is not in the review queue."),
    "bad_label": (422, "label: not a label of this classifier."),
    "bad_answer": (422, "Give either a label or an answer."),
}


@dataclass(frozen=True)
class Reviewer:
    """Person who reviews, and the name of the key that they came with, empty on an open home."""

    key: str
    person: str


@dataclass(frozen=True)
class Turn:
    """Next item of a person, or, where their batch is done, its result; both are None where nothing waits for them."""

    item: ReviewItem | None = None
    result: ReviewResult | None = None


def take_next(opened: OpenQueue, reviewer: Reviewer, *, compared: bool) -> Turn:
    """Return the item in front of a person; one without an open batch gets a new one."""
    with _usable(opened):
        for _ in range(2):  # of a batch that others have answered meanwhile nothing may be left
            if opened.queue.batch(reviewer.person, compared=compared).of == 0:
                break
            if (item := opened.queue.current(reviewer.person)) is not None:
                return Turn(_log_reading(opened, reviewer, item))
        return Turn()


def make_row(opened: OpenQueue, reviewer: Reviewer, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of `corrections` of an answer. The page shows no prediction; a file may have."""
    with _usable(opened):
        return opened.queue.correction(
            reviewer.person, reviewer.person, given["request_id"], label=given["label"], answer=given["answer"],
            saw_prediction=False, seconds=given["seconds"], note=given["note"],
        )  # fmt: skip


def go_on(opened: OpenQueue, reviewer: Reviewer, row: Mapping[str, Any], *, shows: bool) -> Turn:
    """Take in an answer that is on disk, and return what comes next in its batch; `shows` says that it is read now."""
    with _usable(opened):
        opened.queue.record(row)
        return _after(opened, reviewer, str(row.get("batch") or ""), shows)


def skip(opened: OpenQueue, reviewer: Reviewer, request_id: str, *, shows: bool) -> Turn:
    """Leave the current item to another person, and return what comes next; another one is not skipped."""
    with _usable(opened):
        item = opened.queue.current(reviewer.person)
        if item is None or item.request_id != request_id:
            raise not_current()
        opened.queue.skip(reviewer.person, request_id)
        return _after(opened, reviewer, item.batch, shows)


def undo(opened: OpenQueue, reviewer: Reviewer, *, shows: bool) -> Turn:
    """Bring the last answered item back; raises `RequestError` where there is none."""
    with _usable(opened):
        if opened.queue.undo(reviewer.person) is None:
            raise RequestError(
                409, "nothing_to_undo", "Nothing was answered that could be undone.", "Go on with the next item."
            )
        item = opened.queue.current(reviewer.person)
        return Turn(_log_reading(opened, reviewer, item) if item and shows else item)


def result_of(opened: OpenQueue, batch: str) -> ReviewResult | None:
    """Return the result of a batch; None for one that does not exist or of which nothing was answered."""
    with _usable(opened):
        result = opened.queue.result(batch)
        return result if result.answered else None


def not_current() -> RequestError:
    """Return the error for an item that is not in front of its sender any more."""
    return RequestError(409, "not_current", "That item is not in front of you any more.", "Take the next one.")


def _after(opened: OpenQueue, reviewer: Reviewer, batch: str, shows: bool) -> Turn:
    item = opened.queue.current(reviewer.person)
    if item is None:
        return Turn(result=opened.queue.result(batch))
    return Turn(_log_reading(opened, reviewer, item) if shows else item)


def _log_reading(opened: OpenQueue, reviewer: Reviewer, item: ReviewItem) -> ReviewItem:
    queue = opened.queue
    ReadLog(queue.home, opened.spec.name).append(reviewer.key, reviewer.person, "review", [item.request_id])
    return item


@contextmanager
def _usable(opened: OpenQueue) -> Iterator[None]:
    try:
        yield
    except RatchetError as error:
        status, message = _ERRORS.get(error.code, (422, "The answer cannot be taken."))
        raise RequestError(
            status, error.code, message, "Take the next item."
        ) from None  # repeats nothing of the request
    except (sqlite3.Error, OSError) as error:
        raise unusable(opened.spec.name, error) from None
