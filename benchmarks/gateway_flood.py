"""Measure one key's share of the gateway: p99 of another key's requests while the first floods, against that without.

Run `python -m benchmarks.gateway_flood` (`make bench-flood`). The flood is 24 connections of one key with 32 texts
each, which never pause, from a process of its own; the other key sends single texts at a fixed rate. Rounds alternate
within one run, so the ratio holds for this machine as it is now: on one that is busy otherwise it says nothing. Exits 1
when a request of the other key was not answered with 200, or its p99 is more than twice the one without.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.gateway import TEXTS, Bench, port_of
from orchestration.cli.demo.gateway_process import run_gateway
from ratchet.models.base_models import resolve_base
from ratchet.storage.keys.api_keys import Keys

MAX_RATIO = 2.0
CONNECTIONS, BATCH = 24, 32

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def post(streams: Streams, key: str, document: object) -> int:
    """Send one request with a key on an open connection; return its status."""
    reader, writer = streams
    body = json.dumps(document).encode()
    writer.write(
        b"POST /v1/classifiers/small HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Authorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s" % (key.encode(), len(body), body)
    )
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
    return int(head.split(b" ", 2)[1])


async def flood(port: int, key: str) -> None:
    """Send batches on every connection without a pause, until this process is ended."""

    async def work() -> None:
        streams = await asyncio.open_connection("127.0.0.1", port)
        while True:
            await post(streams, key, {"texts": TEXTS[:BATCH]})

    await asyncio.gather(*(work() for _ in range(CONNECTIONS)))


async def arrive(port: int, key: str, rate: float, seconds: float, seed: int) -> tuple[list[float], list[int]]:
    """Return milliseconds and statuses of single texts that arrive at random, without waiting for earlier ones."""
    draw, waits, statuses = random.Random(seed), list[float](), list[int]()
    pool: asyncio.Queue[Streams] = asyncio.Queue()
    for _ in range(64):
        pool.put_nowait(await asyncio.open_connection("127.0.0.1", port))

    async def one(n: int) -> None:
        came = time.monotonic()
        streams = await pool.get()
        statuses.append(await post(streams, key, {"text": TEXTS[n % len(TEXTS)]}))
        waits.append((time.monotonic() - came) * 1000)
        pool.put_nowait(streams)

    began, due, tasks = time.monotonic(), 0.0, list[asyncio.Task[None]]()
    while due < seconds:
        await asyncio.sleep(max(0.0, began + due - time.monotonic()))
        tasks.append(asyncio.create_task(one(len(tasks))))
        due += draw.expovariate(rate)
    await asyncio.gather(*tasks)
    return waits, statuses


@contextmanager
def flooding(port: int, key: str) -> Iterator[None]:
    """Flood from a process of its own during the block."""
    command = [sys.executable, "-m", "benchmarks.gateway_flood", "--flood", str(port), key]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        time.sleep(2.0)  # its imports, and the first batches
        try:
            yield
        finally:
            process.kill()


def measure(seconds: float, rounds: int, rate: float) -> tuple[float, int]:
    """Return the ratio of the other key's p99 with a flood to that without, and its requests that failed."""
    waits: dict[bool, list[float]] = {False: [], True: []}
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), resolve_base("all-MiniLM-L6-v2"), 1)
        keys = Keys(bench.home.keys)
        busy, calm = (keys.add(name, ("classify",)) for name in ("busy", "calm"))
        with run_gateway(bench.home, bench.home.root / "gateway.log") as url:
            port = port_of(url)
            asyncio.run(arrive(port, calm, rate, 2.0, seed=-1))
            for turn in range(rounds):
                quiet, statuses = asyncio.run(arrive(port, calm, rate, seconds, seed=turn))
                waits[False] += quiet
                with flooding(port, busy):
                    beside, others = asyncio.run(arrive(port, calm, rate, seconds, seed=turn))
                waits[True] += beside
                failed += sum(status != 200 for status in (*statuses, *others))
    without, during = (sorted(waits[flooded])[int(0.99 * len(waits[flooded]))] for flooded in (False, True))
    print(
        f"p99 of the other key {without:.0f} ms without, {during:.0f} ms during the flood: {during / without:.2f} times"
    )
    print(f"{failed} of its {len(waits[False]) + len(waits[True])} requests failed")
    return during / without, failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures; return 1 when a bound is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=10.0, help="requests of the other key in a second")
    parser.add_argument("--flood", nargs=2, metavar=("PORT", "KEY"), help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.flood:
        asyncio.run(flood(int(given.flood[0]), given.flood[1]))
    ratio, failed = measure(given.seconds, given.rounds, given.rate)
    return 1 if failed or ratio > MAX_RATIO else 0


if __name__ == "__main__":
    sys.exit(main())
