"""What a gateway does when it is killed, stopped, without its adapter, asked at odd times, or told secrets."""

import logging
import random
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from ratchet.data.records import KINDS
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.journal.segments import left_behind
from ratchet.storage.keys.api_keys import SCOPES, Keys
from ratchet.storage.specs import Specs

Serve = Callable[..., TestClient]
FAILPOINTS = ("journal.before_write", "journal.before_sync", "journal.before_answer", "")


@pytest.mark.faults
def test_kill_9_of_the_gateway_many_times(
    home: Home, planned: Callable[[str, int], int], gateway_processes: Any
) -> None:
    """F01 with P kills of one home under four clients, at failpoints and at random; each acknowledged row is there
    once."""
    draw, acknowledged = random.Random(4), set()  # noqa: S311 - test data, guards nothing
    for turn in range(planned("P", 1)):
        when = FAILPOINTS[turn % 4]
        process, address = gateway_processes.start(**({"RATCHET_FAILPOINT": f"{when}:kill"} if when else {}))
        enough = threading.Semaphore(0)
        found: list[set[str]] = []

        def write(first: int, address: str = address, enough: threading.Semaphore = enough, found: Any = found) -> None:
            found.append(gateway_processes.correct(address, first, 10_000, enough))

        clients = [threading.Thread(target=write, args=(turn * 100_000 + 20_000 * k,)) for k in range(4)]
        for client in clients:
            client.start()
        if not when:
            for _ in range(draw.randint(1, 400)):
                enough.acquire(timeout=60)
            process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=60) == -signal.SIGKILL
        for client in clients:
            client.join()
        acknowledged |= set().union(*found)
    last, _ = gateway_processes.start()
    last.send_signal(signal.SIGTERM)
    assert last.wait(timeout=60) == 0
    kept = gateway_processes.stored(home)
    print(f"F01: {len(acknowledged)} acknowledged corrections, {len(acknowledged - set(kept))} lost")  # noqa: T201 - shown by -rP
    assert acknowledged <= set(kept)
    assert len(kept) == len(set(kept))
    assert all(path.stat().st_size == 0 for path in left_behind(home.journal("small", "corrections")))


@pytest.mark.faults
def test_sigterm_many_times_drops_nothing_in_flight(
    home: Home, planned: Callable[[str, int], int], gateway_processes: Any
) -> None:
    """F03 with P stops of eight busy clients: each request that was taken is answered, and the exit code is 0."""
    statuses: list[int] = []
    for _ in range(planned("P", 1)):
        process, address = gateway_processes.start()
        begun = threading.Semaphore(0)

        def ask(address: str = address, begun: threading.Semaphore = begun) -> None:
            with httpx.Client(base_url=address, timeout=60) as client:
                while True:
                    try:
                        statuses.append(
                            client.post("/v1/classifiers/small", json={"text": "money back please"}).status_code
                        )
                        begun.release()
                    except (
                        httpx.TransportError
                    ):  # nobody listens, or an idle connection was closed: what was taken is told by its row
                        return

        clients = [threading.Thread(target=ask) for _ in range(8)]
        for client in clients:
            client.start()
        for _ in range(60):
            assert begun.acquire(timeout=60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        for client in clients:
            client.join()
    rows = sum(
        pq.read_table(path).num_rows for path in home.landing("small", "production_logs").glob("gateway-*.parquet")
    )
    print(f"F03: {len(statuses)} answers, {sum(status != 200 for status in statuses)} other than 200, {rows} rows")  # noqa: T201
    assert set(statuses) == {200}
    assert rows == len(statuses), "a request that was taken was not answered"


def test_the_week_of_a_correction_is_that_of_its_request(serve: Serve, home: Home) -> None:
    """F09: the server's receive time decides; a client's old time is kept and moves nothing, one from the future is
    refused."""
    client = serve(seal_s=0.01)
    answer = client.post("/v1/classifiers/small", json={"text": "money back please"}).json()
    said = {
        "classifier": "small",
        "request_id": answer["request_id"],
        "label": "amber",
        "saw_prediction": False,
    }
    assert (
        client.post("/v1/corrections", json={**said, "ts": "2099-01-01T00:00:00Z"}).json()["error"]["code"]
        == "bad_time"
    )
    assert client.post("/v1/corrections", json={**said, "ts": "2001-01-01T00:00:00Z"}).status_code == 201
    client.__exit__(None, None, None)
    warehouse = open_warehouse(home, "small")
    Landing(home, warehouse).take(Specs(home)["small"])
    with warehouse.connect() as connection:
        (found,) = connection.execute(
            "SELECT epoch(c.ts), c.week = l.week FROM corrections c JOIN production_logs l USING (request_id)"
        ).fetchall()
    assert found == (datetime(2001, 1, 1, tzinfo=UTC).timestamp(), True)
    assert "request_id" in KINDS["corrections"].key


def test_an_entry_of_an_earlier_hour_is_still_the_newest(
    home: Home, made: tuple[Home, list[str]], enter: Callable[[str], None]
) -> None:
    """F09: entries are ordered by their sequence; a clock that went back between two of them changes nothing."""
    from ratchet.storage.rollout.ledger import Ledger

    for adapter, hour in ((made[1][1], "2031-01-01T00:00:00+00:00"), (made[1][0], "1999-01-01T00:00:00+00:00")):
        said = {"actor": "test", "action": "promote", "why": "test", "week": "2026-01-05", "receipts": {}}
        Ledger(home).append("small", ts=hour, adapter=adapter, **said)
    assert Ledger(home).live("small") == made[1][0]
    assert [entry.sequence for entry in Ledger(home).entries("small")] == [1, 2, 3]


def test_a_start_without_the_adapter_answers_nobody(serve: Serve, home: Home, made: tuple[Home, list[str]]) -> None:
    """F16: never the bare base model; not ready, and the reason is said."""
    (home.adapters("small") / made[1][0]).rename(home.root / "gone")
    client = serve()
    assert client.post("/v1/classifiers/small", json={"text": "money back please"}).status_code == 404
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert "has no adapter" in ready.json()["problems"]["small"]


SECRETS = tuple(f"rk_canary-{number}-b7Qm2xLw9" for number in range(8))
NAMES = ("/v1/classifiers/small", "/v1/classifiers/none", "/v1/none", "/")
POSTS = ("/v1/classifiers/small", "/v1/feedback", "/v1/corrections")
BODIES = (
    b"",
    b"{",
    b"[]",
    b"{}",
    b'{"text": NaN}',
    b'{"text": "\\ud800"}',
    b"\xff",
    b"[" * 5000,
    b'{"SECRET": 1}',
    b'"SECRET"',
)
READS = (
    "/metrics",
    "/v1/status",
    "/readyz",
    "/healthz",
    "/SECRET",
    "/v1/classifiers/SECRET",
    "/../SECRET",
    "/?key=SECRET",
)
ERRORS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    *(("POST", path, {"json": {"text": "hello"}}) for path in NAMES),
    *(("POST", path, {"content": body}) for path in POSTS for body in (*BODIES, b"x" * 70_000)),
    *(("GET", path, {}) for path in READS),
    *(("DELETE", path, {}) for path in POSTS),
)


def leaks(secrets: tuple[str, ...], *places: Path | str) -> list[str]:
    """Which of the secrets occur in texts, or in any byte below folders."""
    found = []
    for place in places:
        contents = (
            [place.encode()]
            if isinstance(place, str)
            else [path.read_bytes() for path in place.rglob("*") if path.is_file()]
        )
        found += [secret for secret in secrets for content in contents if secret.encode() in content]
    return found


@pytest.mark.parametrize("echo", [False, True])
def test_no_key_is_ever_written_down(
    serve: Serve, home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, echo: bool
) -> None:
    """T22: eight secrets, as keys, in headers and in the environment, through every error; a log line that echoes one
    is found."""
    caplog.set_level(logging.DEBUG)
    for name, secret in zip(
        ("HF_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "RATCHET_TOKEN"), SECRETS[4:], strict=True
    ):
        monkeypatch.setenv(name, secret)
    real = Keys(home.keys).add("web", SCOPES)
    client, answers = serve(durable=True, seal_s=0.01), []
    assert len(ERRORS) >= 40
    for number, (method, path, content) in enumerate(ERRORS):
        secret = (*SECRETS, real)[number % 9]
        path = path.replace("SECRET", SECRETS[number % 8])
        if isinstance(body := content.get("content"), bytes):
            content = {"content": body.replace(b"SECRET", SECRETS[number % 8].encode())}
        for scheme in ("Bearer", "Basic", ""):
            answer = client.request(method, path, headers={"Authorization": f"{scheme} {secret}".strip()}, **content)
            assert answer.status_code < 500 or path == "/readyz", (method, path, answer.text)
            answers.append(answer.text)
    if echo:
        logging.getLogger("ratchet.gateway").info("key %s came", SECRETS[0])
    client.__exit__(None, None, None)
    # our client's
    own = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))]
    found = leaks((*SECRETS, real), home.root, *answers, *own)
    assert bool(found) == echo, found
