"""Micro-batching: texts that wait together are answered together, by one thread; live ones before any shadow.

Waiting jobs whose adapters share a model are one batch, whichever adapters they ask. Live jobs wait in a bounded queue,
beyond which the caller is told to come back later; shadow jobs in a small one of their own, beyond which they are
dropped. Add here how work is gathered; who answers is decided before a text comes here, in `slots.py`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ratchet.models.inference.predictor import Predictions


class SharedModel(Protocol):
    """Weights that several adapters share."""

    def answer(self, asked: Sequence[tuple[Any, Sequence[str]]]) -> tuple[list[Predictions], float]:
        """One lot of predictions for each `(predictor, texts)`, and the processor seconds that they took.

        Not the clock: it would compare how busy the machine was, and a candidate must not be rolled back for that.
        """
        ...


class Answerer(Protocol):
    """What answers: an adapter, and the model that it is on."""

    @property
    def model(self) -> SharedModel:
        """Jobs whose answerers have the same model are answered in one batch."""
        ...


class OverloadedError(Exception):
    """More texts wait than may."""


@dataclass(frozen=True)
class BatchAnswers(Predictions):
    """Predictions, and what they took."""

    seconds: float
    """Processor time of the batch over its texts: what one text cost, whoever else used the machine. Comparable between
    live and shadow only over batches of like size."""
    together: int
    """How many texts were in the batch, of all who asked."""


@dataclass(frozen=True)
class _Job:
    answerer: Answerer
    texts: Sequence[str]
    done: "asyncio.Future[BatchAnswers | None]"
    asked_s: float = field(default_factory=time.monotonic)


@dataclass(frozen=True)
class Batch:
    """What one batch took: how many texts, how long each question had waited, and how long they were answered
    together."""

    texts: int
    waited_s: Sequence[float]
    answered_s: float


BatchObserver = Callable[[Batch], None]
_WINDOW_S, _PAUSE_S = 2.0, 0.05


class Batcher:
    """One thread that answers. `max_waiting` live texts may wait for it and `max_batch` are answered at once.

    `max_shadow_waiting` and `max_shadow_batch` bound the texts of shadows; a live text that comes waits for no more of
    them than the latter. While live kept the thread busy for more than `max_shadow_load` of the last seconds, shadows
    wait.
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
        self._load, self._max_shadow_load = _Load(), max_shadow_load
        self._live: deque[_Job] = deque()
        self._shadow: deque[_Job] = deque()
        self._come, self._stopping = asyncio.Event(), False
        self._task: asyncio.Task[None] | None = None
        self.waiting = 0
        """Live texts that were asked and are not answered yet."""
        self.shadow_waiting = 0
        """Shadow texts that were taken and are neither answered nor dropped yet."""

    async def start(self) -> None:
        """Begin to answer; also again after a stop."""
        self._come, self._stopping = asyncio.Event(), False
        self._task = asyncio.create_task(self._work())

    async def answer(self, predictor: Answerer, texts: Sequence[str]) -> BatchAnswers:
        """The predictions of live `texts`; raises `OverloadedError` when too many wait already, or when it stops."""
        if self._stopping or self.waiting + len(texts) > self._max_waiting:
            raise OverloadedError
        self.waiting += len(texts)
        try:
            result = await self._enter(self._live, predictor, texts)
        finally:
            self.waiting -= len(texts)
        assert result is not None  # noqa: S101 - only shadow texts are dropped
        return result

    async def offer_shadow(self, predictor: Answerer, texts: Sequence[str]) -> BatchAnswers | None:
        """The predictions of shadow `texts`, made while no live text waits; None when they were dropped.

        They are dropped at once when too many shadow texts wait already, as they do under load, or when the gateway
        stops; later only because it stops. Many texts are asked a few at a time; more than may wait are always dropped.
        """
        if not self.has_room_for_shadow(len(texts)):
            return None
        self.shadow_waiting += len(texts)
        few = self._max_shadow_batch
        lots = [texts[start : start + few] for start in range(0, len(texts), few)] or [texts]
        try:
            result = await asyncio.gather(*(self._enter(self._shadow, predictor, lot) for lot in lots))
        finally:
            self.shadow_waiting -= len(texts)
        return _join([each for each in result if each is not None]) if None not in result else None

    def has_room_for_shadow(self, texts: int) -> bool:
        """Whether so many shadow texts would be taken now."""
        return not self._stopping and self.shadow_waiting + texts <= self._max_shadow_waiting

    async def stop(self) -> None:
        """Drop the shadow texts, answer the live ones that wait, then end."""
        self._stopping = True
        self._come.set()
        if self._task is not None:
            await self._task

    async def _enter(self, queue: deque[_Job], predictor: Answerer, texts: Sequence[str]) -> BatchAnswers | None:
        done: asyncio.Future[BatchAnswers | None] = asyncio.get_running_loop().create_future()
        queue.append(_Job(predictor, texts, done))
        self._come.set()
        return await done

    async def _work(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="answers") as thread:
            while True:
                while self._stopping and self._shadow:
                    _tell(self._shadow.popleft(), None)
                if jobs := take_batch(self._live, self._max_batch):
                    began = time.monotonic()
                    await _answer(thread, jobs, self._watch)
                    self._load.add(began, time.monotonic())
                elif self._shadow and self._load.share(time.monotonic()) > self._max_shadow_load:
                    await self._pause()
                elif jobs := take_batch(self._shadow, self._max_shadow_batch):
                    await _answer(thread, jobs, self._watch)
                elif self._stopping:
                    return
                else:
                    self._come.clear()
                    await self._come.wait()

    async def _pause(self) -> None:
        """Wait for the next job, or until the load may have fallen."""
        self._come.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._come.wait(), _PAUSE_S)


class _Load:
    """How busy live kept the answering thread over the last seconds."""

    def __init__(self) -> None:
        self._spans: deque[tuple[float, float]] = deque()

    def add(self, began: float, ended: float) -> None:
        """A batch was answered between these two instants (monotonic seconds)."""
        self._spans.append((began, ended))

    def share(self, now: float) -> float:
        """Busy share of the last `_WINDOW_S` seconds, 0..1."""
        while self._spans and self._spans[0][1] < now - _WINDOW_S:
            self._spans.popleft()
        return sum(ended - max(began, now - _WINDOW_S) for began, ended in self._spans) / _WINDOW_S


def take_batch(queue: deque[_Job], most: int) -> list[_Job]:
    """Take from `queue` the first job, and those after it that ask the same model and fit into `most` texts.

    The others keep their order. Jobs that nobody waits for any more are forgotten.
    """
    taken: list[_Job] = []
    left = [job for job in queue if not job.done.done()]
    queue.clear()
    for job in left:
        fits = sum(len(other.texts) for other in taken) + len(job.texts) <= most
        if not taken or (fits and job.answerer.model is taken[0].answerer.model):
            taken.append(job)
        else:
            queue.append(job)
    return taken


async def _answer(thread: Executor, jobs: Sequence[_Job], watch: BatchObserver) -> None:
    asked, begun_s = [(job.answerer, job.texts) for job in jobs], time.monotonic()
    try:
        result, seconds = await asyncio.get_running_loop().run_in_executor(thread, jobs[0].answerer.model.answer, asked)
    except Exception as error:  # noqa: BLE001 - whoever asked gets it, and the next batch is answered all the same
        answerers = {id(job.answerer) for job in jobs}
        for one in sorted(answerers) if len(answerers) > 1 else []:  # an adapter's fault harms only those who asked it
            await _answer(thread, [job for job in jobs if id(job.answerer) == one], watch)
        for job in jobs:
            if not job.done.done():
                job.done.set_exception(error)
        return
    together = sum(len(job.texts) for job in jobs)
    watch(Batch(together, [begun_s - job.asked_s for job in jobs], time.monotonic() - begun_s))
    for job, said in zip(jobs, result, strict=True):
        _tell(job, BatchAnswers(said.labels, said.confidence, said.probabilities, seconds / max(1, together), together))


def _tell(job: _Job, said: BatchAnswers | None) -> None:
    if not job.done.done():
        job.done.set_result(said)


def _join(parts: Sequence[BatchAnswers]) -> BatchAnswers:
    """The answers to lots that were asked apart, as one; times are means over the texts."""
    texts = [len(part.labels) for part in parts]
    return BatchAnswers(
        [label for part in parts for label in part.labels],
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        sum(part.seconds * count for part, count in zip(parts, texts, strict=True)) / max(1, sum(texts)),
        max(part.together for part in parts),
    )
