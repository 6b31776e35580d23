"""Texts that wait together are answered together; one fault harms only those who met it."""

import asyncio
import threading
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from gateway.batching import Batcher, OverloadedError
from ratchet.prediction import Predictions


@dataclass
class Echo:
    """Answers each text with itself, when it is let; remembers what was asked together. A text `bad` is a fault."""

    gate: threading.Event = field(default_factory=threading.Event)
    asked: list[list[str]] = field(default_factory=list)

    def predict(self, texts: Sequence[str]) -> Predictions:
        """The texts as their own labels."""
        self.gate.wait(10)
        self.asked.append(list(texts))
        if "bad" in texts:
            raise ValueError("bad")
        return Predictions(list(texts), np.ones(len(texts)), np.ones((len(texts), 1)))


def run(work: Coroutine[None, None, None]) -> None:
    """One event loop for one test."""
    asyncio.run(work)


def test_what_waits_is_answered_at_once_and_in_order() -> None:
    """While the first is answered others gather, up to the batch; each gets its own."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(100, 4)
        await batcher.start()
        asking = [asyncio.create_task(batcher.answer(echo, [f"t{n}"])) for n in range(9)]
        await asyncio.sleep(0)
        echo.gate.set()
        assert [(await task).labels for task in asking] == [[f"t{n}"] for n in range(9)]
        assert max(map(len, echo.asked)) == 4
        assert len(echo.asked) <= 4
        await batcher.stop()

    run(work())


def test_adapters_are_never_mixed() -> None:
    """Two predictors that take turns are each asked alone."""

    async def work() -> None:
        echoes, batcher = (Echo(), Echo()), Batcher(100, 8)
        await batcher.start()
        asking = [asyncio.create_task(batcher.answer(echoes[n % 2], [f"t{n}"])) for n in range(6)]
        for echo in echoes:
            echo.gate.set()
        assert [(await task).labels[0] for task in asking] == [f"t{n}" for n in range(6)]
        assert sorted(text for asked in echoes[1].asked for text in asked) == ["t1", "t3", "t5"]
        await batcher.stop()

    run(work())


def test_over_the_bound_the_caller_is_told() -> None:
    """F10: nothing is queued beyond it, and what waited is answered."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(3, 8)
        await batcher.start()
        asking = [asyncio.create_task(batcher.answer(echo, ["t"])) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await batcher.answer(echo, ["t"])
        echo.gate.set()
        assert len(await asyncio.gather(*asking)) == 3
        assert batcher.waiting == 0
        await batcher.stop()

    run(work())


def test_a_fault_reaches_those_who_asked_and_the_next_is_answered() -> None:
    """The thread that answers lives on."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(10, 1)
        echo.gate.set()
        await batcher.start()
        with pytest.raises(ValueError, match="bad"):
            await batcher.answer(echo, ["bad"])
        assert (await batcher.answer(echo, ["good"])).labels == ["good"]
        await batcher.stop()

    run(work())
