"""Measure the gateway as a process of its own over HTTP on loopback: throughput, shadow, swaps and memory.

Run `python -m benchmarks.gateway` (`--seconds 5 --rounds 1 --requests 5000` for a quick look). The packaged encoder has
random LoRA adapters. Four measurements, as ratios within one run: throughput of 32 clients against the plain
transformers pipeline, one text at a time; p99 of live at 70 % load with every request shadowed against none; failed
requests during 50 swaps under load; growth of memory over many requests (on a tiny encoder, to save time). Rounds
alternate. Exits 1 when a bound is missed. Flag evaluation is measured in `benchmarks/flags.py`.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from orchestration.cli.demo.gateway_process import await_rollout, run_gateway
from ratchet.models.base_models import Base, resolve_base
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts, make_text
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.workflows.rollout.reconcile import record

MIN_THROUGHPUT, MAX_P99, SWAPS, MAX_GROWTH_MB = 3.0, 1.15, 50, 50.0
CLIENTS, LOAD = 32, 0.7
_WEEK = "2026-01-05"
_DRAW = random.Random(5)
TEXTS = [make_text(list(WORDS)[n % 3], _DRAW, n) for n in range(500)]


class Bench:
    """Home with one classifier and random adapters."""

    def __init__(self, root: Path, base: Base, adapters: int) -> None:
        self.home = Home(root / "home")
        SmallClassifier(self.home).write(settings="[promotion]\nshadow_share = 1.0\n")
        store = AdapterStore(self.home)
        folders = [write_tiny_adapter(root / f"adapter-{n}", base, tuple(WORDS), seed=n) for n in range(adapters)]
        self.adapters = [store.seal("small", folder, {}) for folder in folders]
        self.enter(self.adapters[0])

    def enter(self, adapter: str, action: str = "promote") -> None:
        """Record an action on an adapter in the ledger and the flag."""
        receipts = keep_receipts(self.home, "small", _WEEK, adapter) if action in {"promote", "shadow"} else {}
        fields = {"ts": "2026-01-05T10:00:00+00:00", "actor": "benchmark", "why": "benchmark", "week": _WEEK}
        record(self.home, "small", action=action, adapter=adapter, receipts=receipts, **fields)


async def ask(streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], n: int) -> int:
    """Send one request on an open connection; return its status."""
    reader, writer = streams
    body = json.dumps({"text": TEXTS[n % len(TEXTS)], "user_id": f"u{n}"}).encode()
    writer.write(
        b"POST /v1/classifiers/small HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


async def saturate(
    port: int, *, seconds: float = 0.0, requests: int = 0, clients: int = CLIENTS
) -> tuple[float, list[int]]:
    """Return requests per second of `clients` that never pause, and every status, for `seconds` or `requests`."""
    statuses: list[int] = []
    numbers = iter(range(requests or 10**9))
    began = time.monotonic()

    async def work() -> None:
        streams = await asyncio.open_connection("127.0.0.1", port)
        for n in numbers:
            statuses.append(await ask(streams, n))
            if seconds and time.monotonic() - began > seconds:
                break
        streams[1].close()

    await asyncio.gather(*(work() for _ in range(clients)))
    return len(statuses) / (time.monotonic() - began), statuses


async def arrive(port: int, rate: float, seconds: float, seed: int) -> list[float]:
    """Return milliseconds of requests that arrive at random, `rate` per second, without waiting for earlier ones."""
    draw, waits, tasks = random.Random(seed), list[float](), list[asyncio.Task[None]]()
    pool: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(128):
        pool.put_nowait(await asyncio.open_connection("127.0.0.1", port))

    async def one(n: int) -> None:
        came = time.monotonic()
        streams = await pool.get()
        await ask(streams, n)
        waits.append((time.monotonic() - came) * 1000)
        pool.put_nowait(streams)

    began, due, n = time.monotonic(), 0.0, 0
    while due < seconds:
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        tasks.append(asyncio.create_task(one(n)))
        due, n = due + draw.expovariate(rate), n + 1
    await asyncio.gather(*tasks)
    return waits


def time_pipeline(base: Base, seconds: float) -> float:
    """Return texts per second of the plain transformers pipeline with its defaults, one call for each text."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

    model = AutoModelForSequenceClassification.from_pretrained(base.folder, num_labels=len(WORDS))
    classify = pipeline("text-classification", model=model, tokenizer=AutoTokenizer.from_pretrained(base.folder))
    classify(TEXTS[0])
    began, n = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        classify(TEXTS[n % len(TEXTS)])
        n += 1
    return n / (time.monotonic() - began)


def port_of(url: str) -> int:
    """Return the port of an address."""
    return int(url.rsplit(":", 1)[1])


def bench_throughput(bench: Bench, base: Base, seconds: float, rounds: int) -> tuple[float, float]:
    """Return the median ratio to the pipeline, and the gateway's median rate."""
    ratios, rates = [], []
    with run_gateway(bench.home, bench.home.root / "gateway.log") as url:
        asyncio.run(saturate(port_of(url), requests=200))
        for _ in range(rounds):
            plain = time_pipeline(base, seconds)
            rate, _ = asyncio.run(saturate(port_of(url), seconds=seconds))
            ratios.append(rate / plain)
            rates.append(rate)
            print(f"  {CLIENTS} clients {rate:.0f}/s, pipeline one at a time {plain:.0f}/s: {rate / plain:.2f} times")
    return statistics.median(ratios), statistics.median(rates)


def bench_shadow(bench: Bench, rate: float, seconds: float, rounds: int) -> float:
    """Return the ratio of live's p99 with every request shadowed to its p99 with none, at 70 % of `rate`.

    One gateway, in turns with and without, each pair with the same arrivals. p99 is taken over all turns of a kind,
    because that of a single turn depends on a dozen requests.
    """
    waits: dict[bool, list[float]] = {False: [], True: []}
    with run_gateway(bench.home, bench.home.root / "gateway.log") as url:
        asyncio.run(saturate(port_of(url), requests=200))
        for turn in range(2 * rounds):
            for shadowed in (False, True):
                if shadowed:
                    bench.enter(bench.adapters[1], "shadow")
                await_rollout(bench.home, "small", url)
                waits[shadowed] += asyncio.run(arrive(port_of(url), LOAD * rate, seconds / 2, seed=turn))
                if shadowed:
                    expire(bench)
                    await_rollout(bench.home, "small", url)
    without, beside = (sorted(waits[shadowed])[int(0.99 * len(waits[shadowed]))] for shadowed in (False, True))
    print(
        f"  p99 {without:.0f} ms without, {beside:.0f} ms with a shadow, at {LOAD * rate:.0f}/s: {beside / without:.2f}"
        " times"
    )
    return beside / without


def expire(bench: Bench) -> None:
    """End the shadow."""
    fields = {"ts": "2026-01-05T10:00:00+00:00", "actor": "benchmark", "why": "benchmark", "week": _WEEK}
    moved = {"adapter": bench.adapters[0], "previous_adapter": bench.adapters[1]}
    record(bench.home, "small", action="expire", receipts={}, **moved, **fields)


def bench_swaps(bench: Bench) -> int:
    """Return the number of requests that failed while live changed fifty times under load."""

    async def swap(port: int) -> list[int]:
        load = asyncio.create_task(saturate(port, requests=10**9, seconds=SWAPS * 0.5, clients=8))
        for turn in range(SWAPS):
            await asyncio.to_thread(bench.enter, bench.adapters[(turn + 1) % len(bench.adapters)])
            await asyncio.sleep(0.3)
        return (await load)[1]

    with run_gateway(bench.home, bench.home.root / "gateway.log") as url:
        statuses = asyncio.run(swap(port_of(url)))
    failed = sum(status != 200 for status in statuses)
    print(f"  {len(statuses)} requests during {SWAPS} swaps, {failed} failed")
    return failed


def bench_memory(root: Path, requests: int) -> float:
    """Return the growth of proportional set size in MB over `requests`, after a warm-up of a tenth of them."""
    bench = Bench(root, resolve_base(str(write_tiny_encoder(root / "base", TEXTS))), 2)
    bench.enter(bench.adapters[1], "shadow")
    with run_gateway(bench.home, root / "gateway.log") as url:
        process = max(psutil.Process().children(), key=lambda child: child.create_time())
        asyncio.run(saturate(port_of(url), requests=requests // 10))
        before = process.memory_full_info().pss
        rate, statuses = asyncio.run(saturate(port_of(url), requests=requests))
        grown = (process.memory_full_info().pss - before) / 1e6
    print(f"  {len(statuses)} requests at {rate:.0f}/s, memory grew by {grown:.1f} MB")
    return grown


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; return 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=100_000, help="of the measurement of memory")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        base = resolve_base("all-MiniLM-L6-v2")
        bench = Bench(Path(folder) / "real", base, 2)
        print("throughput")
        ratio, rate = bench_throughput(bench, base, given.seconds, given.rounds)
        print("shadow")
        p99 = bench_shadow(bench, rate, given.seconds, given.rounds)
        print("swaps")
        failed = bench_swaps(bench)
        print("memory")
        grown = bench_memory(Path(folder) / "tiny", given.requests)
    held = {
        f"throughput {ratio:.2f} times the pipeline, at least {MIN_THROUGHPUT}": ratio >= MIN_THROUGHPUT,
        f"p99 with a shadow {p99:.2f} times, at most {MAX_P99}": p99 <= MAX_P99,
        f"failed requests during swaps {failed}, none": failed == 0,
        f"memory {grown:.1f} MB, at most {MAX_GROWTH_MB:.0f}": grown <= MAX_GROWTH_MB,
    }
    for what, is_held in held.items():
        print(f"{'held  ' if is_held else 'MISSED'} {what}")
    return int(not all(held.values()))


if __name__ == "__main__":
    sys.exit(main())
