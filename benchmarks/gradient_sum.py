"""Measures the gradient sum of a training pair: shared memory and a socket, as `data_parallel.py` has it, against Gloo.

Run `python -m benchmarks.gradient_sum`. Two processes of one thread train MiniLM LoRA, each with `--texts` texts of 32
tokens a step; the two ways take turns step by step, and the weights are compared after each one. Wall time means
something on a quiet machine only, so CPU time stands beside it. Then the second process is killed, once while the first
one waits for its sum (`summing`), once before it has joined (`joining`), with a Gloo time-out of `--timeout` seconds.
Exits 1 when the weights of the two processes differ. Decision record 29 draws the conclusion.
"""

import argparse
import datetime
import hashlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.step import CODES, TOKENS, build
from ratchet.config.candidate import DEFAULT_BASES
from ratchet.training.native.data_parallel import ProcessPair
from ratchet.training.supervision.exit_reason import PeerExitedError

if TYPE_CHECKING:
    import torch

    Add = Callable[[torch.Tensor], torch.Tensor]

WAYS = ("shared memory", "gloo")
SUMS = 50
VECTOR = 677_766  # numbers that a MiniLM LoRA of rank 16 adds in each step
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "GLOO_SOCKET_IFNAME": "lo"}


def join(way: str, options: argparse.Namespace) -> "Add":
    """Join the pair; returns its sum."""
    import torch

    if way == "gloo":
        torch.distributed.init_process_group(
            "gloo",
            init_method=f"file://{options.folder}/rendezvous",
            rank=options.rank,
            world_size=2,
            timeout=datetime.timedelta(seconds=options.timeout),
        )

        def add(vector: torch.Tensor) -> torch.Tensor:
            torch.distributed.all_reduce(vector)
            return vector

        return add
    pair = ProcessPair(options.rank, options.memory, options.channel)
    return lambda vector: torch.from_numpy(pair.all_reduce(vector.numpy()))


def time_steps(options: argparse.Namespace) -> dict[str, Any]:
    """Milliseconds of each step and sum of one process, the digest of all weights that it had, and where it listens."""
    import torch

    sums = {way: join(way, options) for way in WAYS}
    trainees = {way: build(DEFAULT_BASES["encoder"], "lora", 0.0) for way in WAYS}
    targets, weights = torch.arange(options.texts) % CODES, torch.ones(options.texts) / (2 * options.texts)
    wall, cpu, alone = ({way: list[float]() for way in WAYS} for _ in range(3))
    digest = hashlib.sha256()
    for trainee in trainees.values():
        trainee.begin_epoch(0, 1, options.rank)
    for turn in range(options.steps):
        seed = torch.Generator().manual_seed(2 * turn + options.rank)
        ids = torch.randint(1000, 20000, (options.texts, TOKENS), generator=seed)
        for way in WAYS[:: 1 if turn % 2 else -1]:
            trainee, started, worked = trainees[way], time.perf_counter(), time.process_time()
            gradient = trainee.gradients(ids, torch.ones_like(ids), targets, weights)
            trainee.step(sums[way](gradient)[:-1], 1e-4)
            wall[way].append(1e3 * (time.perf_counter() - started))
            cpu[way].append(1e3 * (time.process_time() - worked))
            digest.update(trainee.flat.detach().numpy().tobytes())
    for _ in range(SUMS):
        for way in WAYS:
            vector = torch.ones(VECTOR)
            started = time.perf_counter()
            sums[way](vector)
            alone[way].append(1e3 * (time.perf_counter() - started))
    listening = [each.laddr.ip for each in psutil.Process().net_connections("inet") if each.status == "LISTEN"]
    return {"wall": wall, "cpu": cpu, "digest": digest.hexdigest(), "alone": alone, "listening": listening}


def lose_peer(options: argparse.Namespace) -> dict[str, Any]:
    """Train until the other process is gone; returns when that was noticed, and the error."""
    import torch

    if options.rank and options.lose == "joining":
        print("{}", flush=True)
        time.sleep(600)
    if not options.rank and options.lose == "joining":
        print("{}", flush=True)
    try:
        add = join(options.way, options)
        add(torch.ones(VECTOR))
        if options.lose == "summing":
            print("{}", flush=True)
        if options.rank:
            time.sleep(600)
        add(torch.ones(VECTOR))
    except (RuntimeError, PeerExitedError) as error:
        return {"noticed": time.time(), "error": f"{type(error).__name__} {error}"[:100]}
    raise AssertionError("the sum of one process")


def start_pair(*arguments: str) -> list[subprocess.Popen[str]]:
    """Two processes of this module that share what either way needs."""
    memory, ends, folder = os.memfd_create("gradients"), socket.socketpair(), tempfile.mkdtemp()
    pair = []
    for rank, end in enumerate(ends):
        shared = ["--rank", str(rank), "--memory", str(memory), "--channel", str(end.fileno()), "--folder", folder]
        command = [sys.executable, "-m", "benchmarks.gradient_sum", *arguments, *shared]
        pair.append(subprocess.Popen(command, pass_fds=(memory, end.fileno()), stdout=subprocess.PIPE, text=True))
        end.close()
    os.close(memory)
    return pair


def compare_steps(texts: int, steps: int) -> bool:
    """Print the times of one batch size; returns whether both processes had the same weights after each step."""
    found = [json.loads(process.communicate()[0]) for process in start_pair(f"--texts={texts}", f"--steps={steps}")]
    print(f"2 x {texts} texts", end="")
    for kind in ("wall", "cpu"):
        ours, gloo = (found[0][kind][way][2:] for way in WAYS)  # the first ones still make kernels
        ratio = statistics.median(b / a for a, b in zip(ours, gloo, strict=True))
        times = f"{statistics.median(ours):.1f} and {statistics.median(gloo):.1f} ms"
        print(f"; {kind} {times}, {ratio - 1:+.1%} in the median pair", end="")
    ours, gloo = (statistics.median(found[0]["alone"][way][2:]) for way in WAYS)
    print(f"; sum alone {ours:.2f} and {gloo:.2f} ms; listening on {found[0]['listening']}", end="")
    alike = found[0]["digest"] == found[1]["digest"]
    print(f"; weights of both processes {'the same' if alike else 'DIFFERENT'} after each step", flush=True)
    return bool(alike)


def time_loss(way: str, moment: str, timeout_s: float) -> None:
    """Kill the second process and print after how long the first one notices."""
    first, second = start_pair(f"--way={way}", f"--lose={moment}", f"--timeout={timeout_s}")
    for process in (second, first):
        assert process.stdout  # noqa: S101 - a pipe, as `start_pair` asks for
        process.stdout.readline()
    time.sleep(0.5)
    killed = time.time()
    second.kill()
    found = json.loads(first.communicate()[0])
    second.communicate()
    print(
        f"killed while {moment}, {way}: noticed after {found['noticed'] - killed:.3f} s ({found['error']})", flush=True
    )


def main() -> int:
    """Exit code 0, or 1 when weights differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, help="in each process; 4, 8 and 16 when not named")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--timeout", type=float, default=10.0)
    for hidden, kind in (
        ("rank", int),
        ("memory", int),
        ("channel", int),
        ("folder", str),
        ("way", str),
        ("lose", str),
    ):
        parser.add_argument(f"--{hidden}", type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.rank is not None:
        import torch

        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)
        print(json.dumps(lose_peer(options) if options.lose else time_steps(options)))
        return 0
    os.environ.update(ENVIRONMENT)
    alike = [compare_steps(texts, options.steps) for texts in ([options.texts] if options.texts else [4, 8, 16])]
    for way in WAYS:
        for moment in ("summing", "joining"):
            time_loss(way, moment, options.timeout)
    return 0 if all(alike) else 1


if __name__ == "__main__":
    sys.exit(main())
