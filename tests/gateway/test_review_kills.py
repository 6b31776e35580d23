"""A gateway that is killed while it queues a complaint: what was acknowledged is in the queue after the next start."""

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from ratchet.storage.home import Home
from ratchet.storage.review.event_log import list_logs, read_lines

pytestmark = [pytest.mark.faults, pytest.mark.slow]
FAILPOINTS = ("review.before_write", "review.before_sync")


def complained(home: Home) -> Counter[str]:
    """How often each request stands in the queue's log for feedback."""
    lines = (event for path in list_logs(home, "small") for event, _, _ in read_lines(path, 0))
    return Counter(event["request_id"] for event in lines if event["reason"] == "user_feedback")


def stop(process: Any) -> None:
    """End a gateway as an operator does: what it has taken is queued before it goes."""
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 0


def wait_until(claim: Callable[[], bool]) -> None:
    """Wait until a claim holds; fails after a minute."""
    last = time.monotonic() + 60
    while not claim():
        assert time.monotonic() < last
        threading.Event().wait(0.05)


def test_no_acknowledged_complaint_is_lost_by_a_kill(
    home: Home, planned: Callable[[str, int], int], gateway_processes: Any
) -> None:
    """P kills before and after the write of the line; each acknowledged complaint is queued, in one item."""
    turns = planned("P", 1)
    process, address = gateway_processes.start()
    with httpx.Client(base_url=address, timeout=60) as client:
        texts = [f"money back please number {n}" for n in range(turns)]
        answers = [client.post("/v1/classifiers/small", json={"text": text}).json() for text in texts]
    stop(process)
    acknowledged = set()
    for turn, answer in enumerate(answers):
        process, address = gateway_processes.start(RATCHET_FAILPOINT=f"{FAILPOINTS[turn % 2]}:kill")
        body = {"classifier": "small", "request_id": answer["request_id"], "verdict": "wrong"}
        with httpx.Client(base_url=address, timeout=60) as client:
            try:
                assert client.post("/v1/feedback", json=body).status_code == 202
                acknowledged.add(answer["request_id"])
            except httpx.TransportError:  # killed between the row and the answer
                pass
        assert process.wait(timeout=60) == -signal.SIGKILL
        process, _ = gateway_processes.start()
        # it looks in the background, and leaves it to the next start where it is stopped before
        wait_until(lambda: acknowledged <= set(complained(home)))
        stop(process)
    assert max(complained(home).values()) <= 2  # a line that was whole, though its process was killed, and one more
    print(f"{turns} kills, {len(acknowledged)} acknowledged complaints, 0 lost")  # noqa: T201 - shown by -rP
