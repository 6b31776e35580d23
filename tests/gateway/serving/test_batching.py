"""Texts that wait together are answered together; one fault harms only those who met it."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from gateway.serving import batching
from gateway.serving.batching import Batcher, OverloadedError
from ratchet.models.inference.predictor import Predictions

Plant = Callable[..., ModuleType]


@dataclass
class Echo:
    """Answers each text with itself, when it is let; remembers what was asked together. A text `bad` is a fault."""

    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    asked: list[list[str]] = field(default_factory=list)

    @property
    def model(self) -> "Echo":
        """It is its own model."""
        return self

    def answer(self, asked: Sequence[tuple[Any, Sequence[str]]]) -> tuple[list[Predictions], float]:
        """The texts as their own labels, which take a second each."""
        self.begun.release()
        self.gate.wait(10)
        self.asked.append([text for _, texts in asked for text in texts])
        if "bad" in self.asked[-1]:
            raise ValueError("bad")
        found = [Predictions(list(texts), np.ones(len(texts)), np.ones((len(texts), 1))) for _, texts in asked]
        return found, float(len(self.asked[-1]))


@dataclass(eq=False)
class OnEcho:
    """An adapter on a model that is shared."""

    model: Echo


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


def test_adapters_of_one_model_are_asked_in_one_batch_and_those_of_another_apart() -> None:
    """Whoever asks gets the answer to the own texts; jobs of another model wait for the next batch."""

    async def work() -> None:
        echoes, batcher = (Echo(), Echo()), Batcher(100, 8)
        adapters = [OnEcho(echoes[0]), OnEcho(echoes[0]), OnEcho(echoes[1])]
        asking = [asyncio.create_task(batcher.answer(adapters[n % 3], [f"t{n}"])) for n in range(9)]
        await asyncio.sleep(0)
        for echo in echoes:
            echo.gate.set()
        await batcher.start()
        assert [(await task).labels for task in asking] == [[f"t{n}"] for n in range(9)]
        assert echoes[0].asked == [["t0", "t1", "t3", "t4", "t6", "t7"]]
        assert echoes[1].asked == [["t2", "t5", "t8"]]
        await batcher.stop()

    run(work())


async def order_of_shadow_and_live(make: Callable[..., Batcher]) -> list[list[str]]:
    """What was asked together while a first live text, then two live and three shadow ones waited; shadows came
    first."""
    echo, batcher = Echo(), make(100, 8, max_shadow_waiting=3, max_shadow_batch=2)
    await batcher.start()
    asking = [asyncio.create_task(batcher.answer(OnEcho(echo), ["live0"]))]
    await asyncio.to_thread(echo.begun.acquire)
    shadows = [asyncio.create_task(batcher.offer_shadow(OnEcho(echo), [f"shadow{n}"])) for n in range(3)]
    await asyncio.sleep(0)
    asking += [asyncio.create_task(batcher.answer(OnEcho(echo), [f"live{n}"])) for n in (1, 2)]
    await asyncio.sleep(0)
    echo.gate.set()
    assert [(await task).labels for task in asking] == [["live0"], ["live1"], ["live2"]]
    found = [await task for task in shadows]
    assert [each.labels for each in found if each] == [["shadow0"], ["shadow1"], ["shadow2"]]
    await batcher.stop()
    return echo.asked


def test_live_goes_before_a_shadow_that_came_first(plant: Plant) -> None:
    """And a shadow's batch is small, so that the next live text waits for little. Planted: without precedence it is
    seen."""
    expected = [["live0"], ["live1", "live2"], ["shadow0", "shadow1"], ["shadow2"]]
    assert asyncio.run(order_of_shadow_and_live(Batcher)) == expected
    live = "jobs := take_batch(self._live, self._max_batch)"
    mutant = plant(batching, f"if {live}:", f"if not self._shadow and ({live}):")
    assert asyncio.run(order_of_shadow_and_live(mutant.Batcher)) != expected


def test_shadow_texts_are_dropped_at_once_when_too_many_wait() -> None:
    """Beyond the bound of shadows: None, without waiting; what was taken is answered."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(100, 8, max_shadow_waiting=3)
        await batcher.start()
        first = asyncio.create_task(batcher.answer(OnEcho(echo), ["live"]))
        await asyncio.to_thread(echo.begun.acquire)
        taken = asyncio.create_task(batcher.offer_shadow(OnEcho(echo), ["a", "b", "c"]))
        await asyncio.sleep(0)
        assert await batcher.offer_shadow(OnEcho(echo), ["d"]) is None
        second = asyncio.create_task(batcher.answer(OnEcho(echo), ["live"]))
        await asyncio.sleep(0)
        assert batcher.shadow_waiting == 3
        echo.gate.set()
        await asyncio.gather(first, second)
        found = await taken
        assert found is not None
        assert found.labels == ["a", "b", "c"]
        assert found.probabilities.shape == (3, 1)
        assert batcher.shadow_waiting == 0
        await batcher.stop()

    run(work())


def test_a_stop_answers_live_texts_and_drops_shadows() -> None:
    """Nobody is left waiting, and nobody is taken any more."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(100, 1)
        await batcher.start()
        asking = [asyncio.create_task(batcher.answer(OnEcho(echo), ["t0"]))]
        await asyncio.to_thread(echo.begun.acquire)
        shadow = asyncio.create_task(batcher.offer_shadow(OnEcho(echo), ["s"]))
        await asyncio.sleep(0)
        asking += [asyncio.create_task(batcher.answer(OnEcho(echo), [f"t{n}"])) for n in (1, 2)]
        await asyncio.sleep(0)
        stopping = asyncio.create_task(batcher.stop())
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await batcher.answer(OnEcho(echo), ["late"])
        assert await batcher.offer_shadow(OnEcho(echo), ["late"]) is None
        echo.gate.set()
        assert [(await task).labels[0] for task in asking] == ["t0", "t1", "t2"]
        assert await shadow is None
        await stopping
        await batcher.start()
        assert (await batcher.answer(OnEcho(echo), ["again"])).labels == ["again"]
        await batcher.stop()

    run(work())


def test_an_answer_says_what_its_texts_took() -> None:
    """The model's time is shared by all texts of the batch."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(100, 8)
        asking = [asyncio.create_task(batcher.answer(OnEcho(echo), texts)) for texts in (["a"], ["b", "c"])]
        await asyncio.sleep(0)
        echo.gate.set()
        await batcher.start()
        found = [await task for task in asking]
        assert [each.together for each in found] == [3, 3]
        assert found[0].seconds == found[1].seconds > 0
        await batcher.stop()

    run(work())


async def answers_beside_a_fault(make: Callable[..., Batcher]) -> list[str]:
    """What three jobs of one batch get, the second of them by an adapter that fails."""
    echo, batcher = Echo(), make(100, 8)
    good, bad = OnEcho(echo), OnEcho(echo)
    echo.gate.set()
    asking = [asyncio.create_task(batcher.answer(*each)) for each in ((good, ["a"]), (bad, ["bad"]), (good, ["b"]))]
    await asyncio.sleep(0)
    await batcher.start()
    found = await asyncio.gather(*asking, return_exceptions=True)
    await batcher.stop()
    return [each.labels[0] if isinstance(each, Predictions) else repr(each) for each in found]


def test_a_fault_of_one_adapter_harms_no_other_in_its_batch(plant: Plant) -> None:
    """They are asked again, each adapter by itself. Planted: without that, all of them fail."""
    fault = "ValueError('bad')"
    assert asyncio.run(answers_beside_a_fault(Batcher)) == ["a", fault, "b"]
    mutant = plant(batching, "sorted(answerers) if len(answerers) > 1 else []", "[]")
    assert asyncio.run(answers_beside_a_fault(mutant.Batcher)) == [fault] * 3


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


@pytest.mark.parametrize(("most", "shadowed"), [(0.0, False), (1.0, True)])
def test_a_shadow_waits_while_live_is_busy(most: float, shadowed: bool) -> None:
    """Under load nothing is begun for it between two live texts, though none waits; without a limit it is."""

    async def work() -> None:
        echo = Echo()
        echo.gate.set()
        batcher = Batcher(100, 4, max_shadow_load=most)
        await batcher.start()
        await batcher.answer(OnEcho(echo), ["live 1"])
        shadow = asyncio.create_task(batcher.offer_shadow(OnEcho(echo), ["shadow"]))
        await batcher.answer(OnEcho(echo), ["live 2"])
        await batcher.answer(OnEcho(echo), ["live 3"])
        assert (["shadow"] in echo.asked) is shadowed
        await batcher.stop()
        assert (await shadow is not None) is shadowed

    run(work())


def test_a_flood_gets_half_of_the_queue_and_a_newcomer_the_next_turn() -> None:
    """One caller's 40 texts: some are refused, and another's text, which comes last, is in the very next batch."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(16, 2)
        await batcher.start()
        flood = [asyncio.create_task(batcher.answer(echo, [f"a{n}"], "a", shares=True)) for n in range(40)]
        await asyncio.to_thread(echo.begun.acquire)
        flood += [asyncio.create_task(batcher.answer(echo, [name], name, shares=True)) for name in ("b", "c")]
        await asyncio.sleep(0)
        echo.gate.set()
        results = await asyncio.gather(*flood, return_exceptions=True)
        refused = [isinstance(result, OverloadedError) for result in results]
        assert (refused.count(True), any(refused[-2:])) == (32, False)
        assert echo.asked[0] == ["a0", "a1"]
        assert {"b", "c"} <= {text for batch in echo.asked[1:3] for text in batch}
        assert batcher.waiting == 0
        await batcher.stop()

    run(work())


@pytest.mark.parametrize("callers", [1, 2, 3, 8])
def test_each_caller_gets_its_share_of_the_answers(callers: int) -> None:
    """Counted in texts: batches of eight texts take as many turns as eight requests of one."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(1000, 8)
        await batcher.start()
        echo.gate.set()
        tasks = [asyncio.create_task(batcher.answer(echo, [f"0:{n}"] * 8, "0", shares=True)) for n in range(4)]
        for caller in range(1, callers):
            tasks += [
                asyncio.create_task(batcher.answer(echo, [f"{caller}:{n}"], str(caller), shares=True))
                for n in range(32)
            ]
        await asyncio.gather(*tasks)
        order = [text.partition(":")[0] for batch in echo.asked for text in batch]
        half = order[: len(order) // 2]
        assert all(12 <= half.count(str(caller)) <= 24 for caller in range(callers)), half
        await batcher.stop()

    run(work())


def test_a_sole_caller_may_fill_the_queue() -> None:
    """Without another key nothing is held back."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(16, 4)
        await batcher.start()
        asking = [asyncio.create_task(batcher.answer(echo, [f"a{n}"], "a")) for n in range(17)]
        await asyncio.sleep(0)
        echo.gate.set()
        results = await asyncio.gather(*asking, return_exceptions=True)
        assert [isinstance(result, OverloadedError) for result in results] == [False] * 16 + [True]
        await batcher.stop()

    run(work())


def test_texts_of_a_caller_that_is_gone_are_not_answered() -> None:
    """A cancelled job leaves the queue, and its place is free at once."""

    async def work() -> None:
        echo, batcher = Echo(), Batcher(4, 1)
        await batcher.start()
        first = asyncio.create_task(batcher.answer(echo, ["first"], "a"))
        await asyncio.to_thread(echo.begun.acquire)
        gone = [asyncio.create_task(batcher.answer(echo, [f"gone {n}"], "a")) for n in range(3)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        last = asyncio.create_task(batcher.answer(echo, ["last"], "a"))
        await asyncio.sleep(0)
        echo.gate.set()
        await asyncio.gather(first, last)
        assert echo.asked == [["first"], ["last"]]
        await batcher.stop()

    run(work())
