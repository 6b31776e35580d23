"""Micro-batching: texts that wait together are answered together, by one thread, in the order of their arrival.

The queue is bounded: beyond it the caller is told to come back later. Add here how work is gathered; who answers is decided
before a text comes here, in `slots.py`.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from ratchet.prediction import Predictions


class Answerer(Protocol):
    """What answers: a predictor, or anything that speaks its interface."""

    def predict(self, texts: Sequence[str]) -> Predictions:
        """One answer for each text."""
        ...


class OverloadedError(Exception):
    """More texts wait than may."""


@dataclass(frozen=True)
class _Job:
    predictor: Answerer
    texts: Sequence[str]
    done: "asyncio.Future[Predictions]"
    asked_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Batch:
    """What one batch took: how many texts, how long each question had waited, and how long they were answered together."""

    texts: int
    waited_s: Sequence[float]
    answered_s: float


class Batcher:
    """One thread that answers; `max_waiting` texts may wait for it, `max_batch` are answered at once."""

    def __init__(self, max_waiting: int, max_batch: int, watch: Callable[[Batch], None] = lambda batch: None) -> None:
        self._max_waiting, self._max_batch, self._watch = max_waiting, max_batch, watch
        self._jobs: asyncio.Queue[_Job] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._task: asyncio.Task[None] | None = None
        self.waiting = 0
        """Texts that were asked and are not answered yet."""

    async def start(self) -> None:
        """Begin to answer."""
        self._task = asyncio.create_task(self._work())

    async def answer(self, predictor: Answerer, texts: Sequence[str]) -> Predictions:
        """The predictions of `texts`; raises `OverloadedError` when too many wait already."""
        if self.waiting + len(texts) > self._max_waiting:
            raise OverloadedError
        done: asyncio.Future[Predictions] = asyncio.get_running_loop().create_future()
        self.waiting += len(texts)
        try:
            self._jobs.put_nowait(_Job(predictor, texts, done))
            return await done
        finally:
            self.waiting -= len(texts)

    async def stop(self) -> None:
        """Answer what waits, then end."""
        while self.waiting:
            await asyncio.sleep(0.005)
        if self._task is not None:
            self._task.cancel()
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        held: _Job | None = None
        while True:
            jobs = [held or await self._jobs.get()]
            held = None
            while not self._jobs.empty() and sum(len(job.texts) for job in jobs) < self._max_batch:
                following = self._jobs.get_nowait()
                if following.predictor is not jobs[0].predictor:
                    held = following
                    break
                jobs.append(following)
            texts, begun_s = [text for job in jobs for text in job.texts], time.monotonic()
            try:
                found = await loop.run_in_executor(self._thread, jobs[0].predictor.predict, texts)
            except Exception as error:  # noqa: BLE001 - whoever asked gets it, and the next batch is answered all the same
                for job in jobs:
                    if not job.done.cancelled():
                        job.done.set_exception(error)
                continue
            self._watch(Batch(len(texts), [begun_s - job.asked_s for job in jobs], time.monotonic() - begun_s))
            start = 0
            for job in jobs:
                part = slice(start, start + len(job.texts))
                start = part.stop
                if not job.done.cancelled():
                    job.done.set_result(Predictions(found.labels[part], found.confidence[part], found.probabilities[part]))
