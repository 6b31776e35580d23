"""Jobs of the batcher: texts that wait, which of them make one batch, and the answers that come back.

Add here what a job carries, and which jobs fit together; when they are answered is `batching.py`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from ratchet.models.inference.predictor import Predictions


class SharedModel(Protocol):
    """Model that several adapters share."""

    def answer(self, requests: Sequence[tuple[Any, Sequence[str]]]) -> tuple[list[Predictions], float]:
        """Return the predictions for each `(predictor, texts)`, and the processor seconds that they took.

        Wall-clock time would depend on how busy the machine was, and a candidate must not be rolled back for that.
        """
        ...


class Answerer(Protocol):
    """Adapter that answers, and the model that it belongs to."""

    @property
    def model(self) -> SharedModel:
        """Model; jobs whose answerers have the same one are answered in one batch."""
        ...


@dataclass(frozen=True)
class BatchAnswers(Predictions):
    """Predictions, with their cost."""

    seconds: float
    """Processor seconds of the batch per text, so other load does not count. Live and shadow are comparable only over
    batches of like size."""
    together: int
    """Number of texts in the batch, over all requests."""


@dataclass(frozen=True)
class Job:
    """Texts of one caller that wait for their answers."""

    answerer: Answerer
    texts: Sequence[str]
    done: "asyncio.Future[BatchAnswers | None]"
    turn: int = 0
    """Lowest first: texts that the caller was ahead of the others when this job came."""
    queued_s: float = field(default_factory=time.monotonic)


def take_batch(queue: deque[Job], most: int) -> list[Job]:
    """Take from `queue` the job whose turn it is, and others with the same model that fit into `most` texts.

    The others keep their order. Jobs whose caller has gone are removed.
    """
    taken: list[Job] = []
    left = sorted((job for job in queue if not job.done.done()), key=lambda job: job.turn)
    queue.clear()
    for job in left:
        fits = sum(len(other.texts) for other in taken) + len(job.texts) <= most
        if not taken or (fits and job.answerer.model is taken[0].answerer.model):
            taken.append(job)
        else:
            queue.append(job)
    return taken


def settle(job: Job, answers: BatchAnswers | None) -> None:
    """Give the caller the answers, None where they were dropped; one that has gone gets none."""
    if not job.done.done():
        job.done.set_result(answers)


def join(parts: Sequence[BatchAnswers]) -> BatchAnswers:
    """Return the answers of several batches as one; times are means over the texts."""
    texts = [len(part.labels) for part in parts]
    return BatchAnswers(
        [label for part in parts for label in part.labels],
        np.concatenate([part.confidence for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        sum(part.seconds * count for part, count in zip(parts, texts, strict=True)) / max(1, sum(texts)),
        max(part.together for part in parts),
    )
