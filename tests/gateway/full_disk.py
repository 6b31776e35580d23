"""Run by `test_full_disk.py` in a mount namespace of its own: a gateway whose home lies on a small disk, until that is
full.

`python full_disk.py HOME MOUNT OTHER_ADAPTER` copies HOME to a tmpfs at MOUNT and prints what it saw as JSON.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.row_log import FEEDBACK
from gateway.settings import Settings
from ratchet.storage.home import Home
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import keep_receipts
from ratchet.workflows.rollout.kill import turn_kill_switch
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.rollout.rollback import roll_back

DISK, BALLAST, MIB = "16m", 4 * 2**20, 2**20
URL = "/v1/classifiers/small"


def mount(target: Path, *options: str) -> None:
    """Mount a small tmpfs."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join([f"size={DISK}", *options]), "none", str(target)], check=True
    )


def fill(path: Path) -> None:
    """Write until the disk is full."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    block = 2**16
    while block:
        try:
            os.write(file, b"x" * block)
        except OSError:
            block //= 2
    os.close(file)


def attempt(move: Callable[[], object]) -> str:
    """Write a ledger entry and the flag that follows from it; "done" or the fault."""
    try:
        move()
    except OSError as error:
        return os.strerror(error.errno or 0)
    return "done"


def word(request_id: str) -> dict[str, Any]:
    """A user's word."""
    return {"classifier": "small", "request_id": request_id, "verdict": "wrong"}


def wait_until_taken(client: TestClient, home: Home) -> float:
    """Seconds until the gateway holds room back again and says that its disk takes rows, at most ten."""
    begun = time.monotonic()
    while (client.get("/readyz").json()["disk"] or not home.ballast.stat().st_size) and time.monotonic() < begun + 10:
        pass
    return time.monotonic() - begun


def stored(home: Home) -> list[str]:
    """The requests whose feedback is on disk."""
    return [
        name
        for path in home.feedback("small").glob("gateway-*.parquet")
        for name in pq.read_table(path)["request_id"].to_pylist()
    ]


def full(home: Home, other: str) -> dict[str, Any]:
    """The disk fills under a running gateway, a rollback is written, and room comes back."""
    hog, seen, acknowledged = home.root / "hog", {}, list[str]()
    first, said = (
        Ledger(home).live("small"),
        {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"},
    )
    receipts = keep_receipts(home, "small", "2026-01-05", other)
    record(home, "small", action="promote", adapter=other, receipts=receipts, **said)
    with TestClient(
        create_app(Settings(home=home.root, open=True, ballast_bytes=BALLAST, seal_s=3600)),
        raise_server_exceptions=False,
    ) as client:
        answers = [
            a for _ in range(20) for a in client.post(URL, json={"texts": ["money back"] * 32}).json()["answers"]
        ]
        ids = [answer["request_id"] for answer in answers]

        def tell() -> int:
            if not ids:
                return 0
            request_id = ids.pop()
            status = client.post("/v1/feedback", json=word(request_id)).status_code
            if status == 202:
                acknowledged.append(request_id)
            return status

        seen["feedback_before"], seen["ballast_before"] = tell(), home.ballast.stat().st_size
        fill(hog)
        statuses = [tell()]
        while statuses[-1] == 202 and ids:
            statuses.append(tell())
        seen["feedback_full"], seen["ballast_full"] = statuses[-1], home.ballast.stat().st_size
        answer = client.post(URL, json={"text": "money back"})
        seen["answer_full"], seen["logged_full"] = answer.status_code, answer.headers.get("X-Ratchet-Logged")
        seen["feedback_while_ballast_is_spent"] = tell()
        seen["ready_full"], seen["disk_full"] = client.get("/readyz").status_code, client.get("/readyz").json()["disk"]
        seen["unlogged"] = "ratchet_log_failures_total" in client.get("/metrics").text
        seen["rollback_full"] = attempt(lambda: roll_back(home, "small", "complaints"))
        client.app.state.gateway.slots.follow()  # type: ignore[attr-defined] # the client knows only ASGI
        seen["rolled_back"] = client.post(URL, json={"text": "money back"}).json()["adapter"] == first
        hog.unlink()
        seen["recovered_s"], seen["feedback_after"] = wait_until_taken(client, home), tell()
        seen["ballast_after"] = home.ballast.stat().st_size
        fill(hog)
        seen["rollback_without_a_gateways_help"] = attempt(
            lambda: turn_kill_switch(home, "small", "holidays", on=False)
        )
        hog.unlink()
        wait_until_taken(client, home)
        seen["feedback_at_the_end"] = tell()
    kept = stored(home)
    return {
        **seen,
        "lost": len(set(acknowledged) - set(kept)),
        "twice": len(kept) - len(set(kept)),
        "acknowledged": len(acknowledged),
    }


def read_only(home: Home, where: Path) -> dict[str, Any]:
    """The gateway starts on a disk that cannot be written, and then can."""
    subprocess.run(["mount", "-o", "remount,ro", str(where)], check=True)
    seen: dict[str, Any] = {}
    with TestClient(
        create_app(Settings(home=home.root, open=True, ballast_bytes=BALLAST)), raise_server_exceptions=False
    ) as client:
        answer = client.post(URL, json={"text": "money back"})
        seen["answer"], seen["logged"] = answer.status_code, answer.headers.get("X-Ratchet-Logged")
        body = word(answer.json()["request_id"])
        seen["feedback"], seen["disk"] = (
            client.post("/v1/feedback", json=body).status_code,
            client.get("/readyz").json()["disk"],
        )
        subprocess.run(["mount", "-o", f"remount,rw,size={DISK}", str(where)], check=True)
        seen["feedback_after"] = client.post("/v1/feedback", json=body).status_code
        journal = client.app.state.gateway.landing.journal("small", FEEDBACK)  # type: ignore[attr-defined] # as above
        path = journal._files._path
        aside = path.rename(path.with_name("aside"))
        path.symlink_to("/dev/full")  # a file that can neither be written nor cut, until it can again
        another = [client.post(URL, json={"text": "money back"}).json()["request_id"] for _ in range(2)]
        seen["feedback_broken"] = [client.post("/v1/feedback", json=word(another[0])).status_code]
        path.unlink()
        aside.rename(path)
        seen["feedback_broken"].append(client.post("/v1/feedback", json=word(another[1])).status_code)
    return {**seen, "stored": len(stored(home))}


def main() -> None:
    """Both, each on a new disk."""
    source, where, other = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    found = {}
    mount(where)
    found["full"] = full(Home(Path(shutil.copytree(source, where / "home"))), other)
    subprocess.run(["umount", "--lazy", str(where)], check=True)
    if "--all" in sys.argv:
        mount(where)
        found["read_only"] = read_only(Home(Path(shutil.copytree(source, where / "home"))), where)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
