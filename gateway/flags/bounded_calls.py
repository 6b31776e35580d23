"""Calls into third-party code, made on a thread that may hang and waited for only briefly.

Add here other bounds on such calls; what is called is in `evaluation.py`.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class BoundedCaller:
    """Thread that makes calls in turn. Nothing waits for a call that hangs, not even the end of the process."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._late: Future[Any] | None = None
        self.thread = threading.Thread(target=self._work, name="flag-provider", daemon=True)
        self.thread.start()

    def run(self, call: Callable[[], T], timeout_s: float) -> T:
        """Return the result of `call`; raises `TimeoutError` if it is late, or at once while an earlier call hangs."""
        if self._late is not None and not self._late.done():
            raise TimeoutError
        done: Future[T] = Future()
        self._calls.put(partial(_settle, done, call))
        try:
            return done.result(timeout_s)
        except TimeoutError:
            self._late = done
            raise

    def close(self) -> None:
        """End the thread once it has made the calls in its queue."""
        self._calls.put(None)

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            call()


def _settle(done: Future[T], call: Callable[[], T]) -> None:
    try:
        done.set_result(call())
    except BaseException as error:  # noqa: BLE001 - the caller gets it, and the next call is still made
        done.set_exception(error)
