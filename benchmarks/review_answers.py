"""Measure the review at a real gateway that is killed again and again: four people answer real tickets over HTTP.

Run `python -m benchmarks.review_answers --data FOLDER` (`make bench-review-answers TICKETS=FOLDER`). The folder has
`production_logs/*.jsonl` and `golden.jsonl`, as intake takes them. The gateway gets kill -9 after every 20 answers.
Exits 1 where an acknowledged answer is lost or there twice, where no check is marked, or where the median answer took
50 ms.
"""

import argparse
import json
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.review.item import CHECK, RANDOM, VALUE, QueuedRequest
from ratchet.review.reasons import AUDIT, LOW_CONFIDENCE
from ratchet.simulation.reviewers import SimulatedReviewer
from ratchet.storage.home import Home
from ratchet.storage.journal.recent_rows import read_segment_rows
from ratchet.storage.keys.api_keys import Keys
from ratchet.workflows.review.answer import land_corrections
from ratchet.workflows.review.enqueue import enqueue

NAME, PEOPLE, AGREED = "tickets", ("ann", "bob", "cem", "dee"), 40
MAX_ANSWER_MS = 50.0
_RATCHET = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())"]


@dataclass
class Desk:
    """Person who answers until their share is acknowledged, whatever becomes of the gateway meanwhile."""

    reviewer: SimulatedReviewer
    share: int
    taken: list[dict[str, Any]] = field(default_factory=list)
    waits_ms: list[float] = field(default_factory=list)
    tries: int = 0

    def work(self) -> None:
        """Take items and answer them; what was not acknowledged is sent again as it was."""
        while len(self.taken) < self.share:
            item = self._insist(self.reviewer.next_item)
            began, tries = time.monotonic(), self.tries
            self.taken.append(self._insist(lambda item=item: self.reviewer.answer(item)))
            if self.tries == tries:  # an answer that met a killed gateway waited for the next one
                self.waits_ms.append((time.monotonic() - began) * 1000)

    def _insist(self, action: Any) -> Any:
        while True:
            try:
                return action()
            except RatchetError:
                self.tries += 1
                time.sleep(0.05)


def main() -> int:
    """Run the benchmark; return its exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--answers", type=int, default=300)
    parser.add_argument("--kill-every", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, labels = make_home(Path(folder), options.data)
        fill_queue(home, options.data, labels, options.answers)
        desks = review(home, labels, options.answers // len(PEOPLE), options.kill_every)
        return report(home, desks)


def make_home(root: Path, data: Path) -> tuple[Home, list[str]]:
    """Make a home with the classifier of the data, as `ratchet init` does; return it and its labels."""
    home = Home(root)
    given = str(data / "golden.jsonl")
    subprocess.run([*_RATCHET, "--home", str(root), "init", NAME, "--labels-from", given], check=True)
    lines = (data / "golden.jsonl").read_text(encoding="utf-8").splitlines()
    return home, sorted({json.loads(line)["label"] for line in lines})


def fill_queue(home: Home, data: Path, labels: Sequence[str], answers: int) -> None:
    """Queue requests of the logs, half of them drawn at random, and let two others agree on some of them."""
    rows = [
        json.loads(line)
        for path in sorted((data / "production_logs").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ][: 2 * answers + AGREED]
    now = datetime.now(UTC)
    items = [
        QueuedRequest(
            row["request_id"], AUDIT if n % 2 else LOW_CONFIDENCE, now, row["text"], RANDOM if n % 2 else VALUE
        )
        for n, row in enumerate(rows)
    ]
    enqueue(home, NAME, items, writer="cycle")
    for person in ("eve", "fay"):
        row = {"ts": now.isoformat(), "label": labels[0], "annotator": person, "saw_prediction": False}
        land_corrections(home, NAME, [{**row, "request_id": item.request_id} for item in items[:AGREED]])


def review(home: Home, labels: Sequence[str], share: int, kill_every: int) -> list[Desk]:
    """Let four people answer at once while the gateway is killed after every `kill_every` answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = [Keys(home.keys).add(person, ("review",), per_minute=0) for person in PEOPLE]
    desks = [
        Desk(
            SimulatedReviewer(f"http://127.0.0.1:{port}", key, lambda text: labels[len(text) % len(labels)], NAME),
            share,
        )
        for key in keys
    ]
    threads = [threading.Thread(target=desk.work, daemon=True) for desk in desks]
    kills, gateway = 0, start(home, port)
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        if sum(len(desk.taken) for desk in desks) >= (kills + 1) * kill_every:
            gateway.send_signal(signal.SIGKILL)
            gateway.wait()
            kills, gateway = kills + 1, start(home, port)
        time.sleep(0.002)
    gateway.terminate()
    gateway.wait()
    print(f"{sum(len(desk.taken) for desk in desks)} answers of {len(desks)} people, {kills} times kill -9")
    return desks


def start(home: Home, port: int) -> "subprocess.Popen[bytes]":
    """Start a gateway; who asks meanwhile asks again."""
    log = (home.root / "gateway.log").open("ab")
    return subprocess.Popen([*_RATCHET, "--home", str(home.root), "serve", "--port", str(port)], stdout=log, stderr=log)


def report(home: Home, desks: Sequence[Desk]) -> int:
    """Compare what was acknowledged with what landed; print it, and return the exit code."""
    landed = [
        row
        for path in home.landing(NAME, "corrections").glob("gateway-*.parquet")
        for row in read_segment_rows(path, ("request_id", "annotator", "label", "chosen"))
        if row["annotator"] in PEOPLE
    ]
    there = Counter((row["annotator"], row["request_id"], row["label"]) for row in landed)
    given = {
        (person, one["request_id"], one["label"])
        for person, desk in zip(PEOPLE, desks, strict=True)
        for one in desk.taken
    }
    lost, doubled = given - set(there), [key for key, count in there.items() if count > 1]
    unknown = set(there) - given
    checks = sum(row["chosen"] == CHECK for row in landed)
    waits = sorted(wait for desk in desks for wait in desk.waits_ms)
    print(f"{len(landed)} rows landed: {len(lost)} lost, {len(doubled)} doubled, {len(unknown)} never acknowledged")
    print(f"{checks} of them are checks, marked; {sum(desk.tries for desk in desks)} requests met no gateway")
    print(f"one answer over HTTP, next item included: median {statistics.median(waits):.1f} ms, "
          f"95 % within {waits[int(0.95 * len(waits))]:.1f} ms")  # fmt: skip
    return int(bool(lost or doubled or unknown or not checks) or statistics.median(waits) >= MAX_ANSWER_MS)


if __name__ == "__main__":
    sys.exit(main())
