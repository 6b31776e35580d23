"""Micro-batching: texts that wait together are answered together by one thread, live texts before any shadow.

Waiting jobs whose adapters share a model form one batch. Live jobs wait in a bounded queue, in which callers take turns
(`turns.py`); when it is full, or a caller holds its share of it, that caller gets an error. Shadow jobs wait in a small
queue of their own; when it is full, they are dropped. Add here when a job is answered; what a job is, and which fit
together, is `batch_jobs.py`. The adapter of each text is chosen before, in `slots.py`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from gateway.serving.batch_jobs import Answerer, BatchAnswers, Job, join, settle, take_batch
from gateway.serving.live_load import LiveLoad
from gateway.serving.turns import Turns


class OverloadedError(Exception):
    """Raised if more texts would wait than are allowed."""


@dataclass(frozen=True)
class Batch:
    """Cost of one batch: number of texts, seconds that each request waited, and seconds to answer them together."""

    texts: int
    waited_s: Sequence[float]
    answered_s: float


BatchObserver = Callable[[Batch], None]
_PAUSE_S = 0.05


class Batcher:
    """Thread that answers texts in batches of up to `max_batch`; up to `max_waiting` live texts may wait for it.

    `max_shadow_waiting` and `max_shadow_batch` bound the texts of shadows; a live text waits for at most one batch of
    shadows. While live kept the thread busy for more than `max_shadow_load` of the last seconds, shadows wait.
    """

    def __init__(
        self,
        max_waiting: int,
        max_batch: int,
        max_shadow_waiting: int = 64,
        max_shadow_batch: int = 2,
        *,
        max_shadow_load: float = 1.0,
        watch: BatchObserver = lambda batch: None,
    ) -> None:
        self._max_waiting, self._max_batch, self._watch = max_waiting, max_batch, watch
        self._max_shadow_waiting, self._max_shadow_batch = max_shadow_waiting, max_shadow_batch
        self._load, self._max_shadow_load = LiveLoad(), max_shadow_load
        self._live: deque[Job] = deque()
        self._turns = Turns()
        self._shadow: deque[Job] = deque()
        self._arrived, self._stopping = asyncio.Event(), False
        self._task: asyncio.Task[None] | None = None
        self.waiting = 0
        """Number of live texts that are not answered yet."""
        self.shadow_waiting = 0
        """Number of shadow texts that are neither answered nor dropped yet."""

    async def start(self) -> None:
        """Start to answer; also after a stop."""
        self._arrived, self._stopping = asyncio.Event(), False
        self._task = asyncio.create_task(self._work())

    async def answer(
        self, predictor: Answerer, texts: Sequence[str], caller: str = "", *, shares: bool = False
    ) -> BatchAnswers:
        """Return the predictions of live `texts`; raises `OverloadedError` if too many wait, or while it stops.

        With `shares` other callers need the queue, too: each may hold as many texts as there is room left. One that
        sends more than can be answered then gets half of the queue, two get a third each, and a newcomer finds room.
        """
        free, count = self._max_waiting - self.waiting, len(texts)
        if self._stopping or count > free or (shares and self._turns.waiting[caller] + count > free):
            raise OverloadedError
        self.waiting += count
        turn = self._turns.enter(caller, count)
        try:
            answers = await self._enter(self._live, predictor, texts, turn)
        finally:
            self.waiting -= count
            self._turns.leave(caller, count)
        assert answers is not None  # noqa: S101 - only shadow texts are dropped
        return answers

    async def offer_shadow(self, predictor: Answerer, texts: Sequence[str]) -> BatchAnswers | None:
        """Return the predictions of shadow `texts`, made while no live text waits; None if they were dropped.

        They are dropped at once if too many shadow texts wait, as under load, or if the gateway stops; later only if it
        stops. Many texts are split into small batches; more texts than may wait are always dropped.
        """
        if not self.has_room_for_shadow(len(texts)):
            return None
        self.shadow_waiting += len(texts)
        few = self._max_shadow_batch
        lots = [texts[start : start + few] for start in range(0, len(texts), few)] or [texts]
        try:
            parts = await asyncio.gather(*(self._enter(self._shadow, predictor, lot) for lot in lots))
        finally:
            self.shadow_waiting -= len(texts)
        return join([part for part in parts if part is not None]) if None not in parts else None

    def has_room_for_shadow(self, texts: int) -> bool:
        """True where so many shadow texts would be accepted now."""
        return not self._stopping and self.shadow_waiting + texts <= self._max_shadow_waiting

    async def stop(self) -> None:
        """Drop the shadow texts, answer the live texts that wait, then end."""
        self._stopping = True
        self._arrived.set()
        if self._task is not None:
            await self._task

    async def _enter(
        self, queue: deque[Job], predictor: Answerer, texts: Sequence[str], turn: int = 0
    ) -> BatchAnswers | None:
        done: asyncio.Future[BatchAnswers | None] = asyncio.get_running_loop().create_future()
        queue.append(Job(predictor, texts, done, turn))
        self._arrived.set()
        return await done

    async def _work(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="answers") as thread:
            while True:
                while self._stopping and self._shadow:
                    settle(self._shadow.popleft(), None)
                if jobs := take_batch(self._live, self._max_batch):
                    began = time.monotonic()
                    self._turns.now = max(self._turns.now, jobs[0].turn)
                    await _answer(thread, jobs, self._watch)
                    self._load.add(began, time.monotonic())
                elif self._shadow and self._load.share(time.monotonic()) > self._max_shadow_load:
                    await self._pause()
                elif jobs := take_batch(self._shadow, self._max_shadow_batch):
                    await _answer(thread, jobs, self._watch)
                elif self._stopping:
                    return
                else:
                    self._arrived.clear()
                    await self._arrived.wait()

    async def _pause(self) -> None:
        """Wait for the next job, at most until the load may have fallen."""
        self._arrived.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), _PAUSE_S)


async def _answer(thread: Executor, jobs: Sequence[Job], watch: BatchObserver) -> None:
    requests, begun_s = [(job.answerer, job.texts) for job in jobs], time.monotonic()
    try:
        answer = jobs[0].answerer.model.answer
        predictions, seconds = await asyncio.get_running_loop().run_in_executor(thread, answer, requests)
    except Exception as error:  # noqa: BLE001 - the callers get it, and the next batch is still answered
        answerers = {id(job.answerer) for job in jobs}
        # A fault of one adapter must fail only its own requests, so each adapter of the batch is tried by itself.
        for one in sorted(answerers) if len(answerers) > 1 else []:
            await _answer(thread, [job for job in jobs if id(job.answerer) == one], watch)
        for job in jobs:
            if not job.done.done():
                job.done.set_exception(error)
        return
    together = sum(len(job.texts) for job in jobs)
    watch(Batch(together, [begun_s - job.queued_s for job in jobs], time.monotonic() - begun_s))
    per_text_s = seconds / max(1, together)
    for job, each in zip(jobs, predictions, strict=True):
        settle(job, BatchAnswers(each.labels, each.confidence, each.probabilities, per_text_s, together))
