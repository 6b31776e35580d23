"""Measure the review queue with many requests: the first look, a next batch, one answer, and the memory that it takes.

Run `python -m benchmarks.review_queue` (`make bench-review`). Texts have 240 characters; two people take batches in
turn. Exits 1 when a next batch took a second or the process 500 MB more than before.
"""

import argparse
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Label, Spec
from ratchet.review.item import RANDOM, VALUE, QueuedRequest
from ratchet.review.reasons import AUDIT, DISAGREEMENT, LOW_CONFIDENCE, USER_FEEDBACK
from ratchet.storage.home import Home
from ratchet.workflows.review.answer import land_corrections
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.review.queue import ReviewQueue

MAX_BATCH_S, MAX_MEMORY_MB = 1.0, 500.0
_REASONS = (LOW_CONFIDENCE, LOW_CONFIDENCE, LOW_CONFIDENCE, DISAGREEMENT, DISAGREEMENT, USER_FEEDBACK, AUDIT)


def main() -> int:
    """Run the benchmark; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--requests", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, spec = Home(Path(folder)), Spec("tickets", (Label("a"), Label("b")), review=ReviewPolicy())
        home.classifier("tickets").mkdir()
        waiting = make_requests(options.requests)
        while chunk := [item for _, item in zip(range(10_000), waiting, strict=False)]:
            enqueue(home, "tickets", chunk, writer="gateway")
        before, began = peak_mb(), time.monotonic()
        queue = ReviewQueue.open(home, "tickets", spec)
        print(f"first look at {options.requests:,} requests: {time.monotonic() - began:.1f} s")
        batches, answers = answer_batches(queue, home)
        counting = time.monotonic()
        queue.waiting()
        print(f"counting what waits: {time.monotonic() - counting:.2f} s")
        again = time.monotonic()
        queue.close()
        ReviewQueue.open(home, "tickets", spec).close()
        print(f"opening it again: {time.monotonic() - again:.2f} s")
        memory = peak_mb() - before
        print(f"next batch of 50: {statistics.median(batches):.3f} s, longest {max(batches):.3f} s")
        print(f"one answer, landed and taken in: {statistics.median(answers) * 1000:.1f} ms")
        print(f"memory more than before: {memory:.0f} MB")
    return int(max(batches) >= MAX_BATCH_S or memory >= MAX_MEMORY_MB)


def make_requests(count: int) -> Iterator[QueuedRequest]:
    """Yield requests of all reasons, the oldest first."""
    now = datetime.now(UTC)
    for number in range(count):
        reason = _REASONS[number % len(_REASONS)]
        chosen = RANDOM if reason == AUDIT else VALUE
        ts = now - timedelta(seconds=count - number)
        yield QueuedRequest(
            f"rq_{number:012d}", reason, ts, f"{number} " + "word " * 46, chosen, value=number % 997 / 997
        )


def answer_batches(queue: ReviewQueue, home: Home) -> tuple[list[float], list[float]]:
    """Answer six batches of two people; return the seconds of each batch and each answer."""
    batches, answers = [], []
    for turn in range(6):
        person = ("ann", "bob")[turn % 2]
        began = time.monotonic()
        queue.batch(person)
        item = queue.current(person)
        batches.append(time.monotonic() - began)
        while item is not None:
            began = time.monotonic()
            row = queue.correction(person, person, item.request_id, label="a", saw_prediction=False)
            land_corrections(home, "tickets", [row])
            queue.record(row)
            item = queue.current(person)
            answers.append(time.monotonic() - began)
    return batches, answers


def peak_mb() -> float:
    """Return the most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    sys.exit(main())
