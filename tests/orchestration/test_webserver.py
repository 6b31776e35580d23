"""Dagster's real webserver as `make dev` starts it: a page of another site reads, starts and stops nothing."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SENSOR = "promotion_sensor"
STATE = """query State($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) {
  ... on Sensor { id sensorState { id status } } } }"""
STOP = 'mutation { stopSensor(id: "%s") { __typename } }'
JSON = {"Content-Type": "application/json"}
FOREIGN: dict[str, tuple[dict[str, str], int]] = {
    "another host": ({"Host": "evil.test:3000"}, 403),
    "a host that resolves here": ({"Host": "evil.test:3000", "Origin": "http://evil.test:3000"}, 403),
    "another origin": ({"Origin": "https://evil.test"}, 403),
    "another port of this machine": ({"Origin": "http://127.0.0.1:8888"}, 403),
    "no origin, by a sandbox": ({"Origin": "null"}, 403),
    "a page of another site": ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 403),
    "two lengths": ({"Transfer-Encoding": "chunked", "Content-Length": "2"}, 400),
}
TYPES = ("", "text/plain", "text/plain; application/json", "application/graphql", "application/x-www-form-urlencoded")


class Webserver:
    """The running webserver, asked without a client library that would tidy what is sent."""

    def __init__(self, address: str, stop: str, state: Callable[[], str]) -> None:
        self.address, self.stop, self.state = address, stop, state

    def ask(self, method: str, path: str, body: str | None = None, **headers: str) -> int:
        """The status of one request."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.putrequest(method, path, skip_host="Host" in headers)
            for name, value in headers.items():
                connection.putheader(name.replace("_", "-"), value)
            if body is not None and "Transfer-Encoding" not in headers:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body.encode() if body else None)
            return connection.getresponse().status
        finally:
            connection.close()

    def answers(self) -> bool:
        """True once it accepts connections."""
        host, _, port = self.address.partition(":")
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((host, int(port))) == 0

    def open_websocket(self, **headers: str) -> int:
        """The status that a websocket gets: 101 where it opens."""
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        origin = wanted.pop("Origin", None)
        try:
            with connect(
                f"ws://{self.address}/graphql",
                origin=origin,
                additional_headers=wanted,
                subprotocols=["graphql-ws"],  # type: ignore[arg-type,list-item] # its own types of str
            ):
                return 101
        except InvalidStatus as error:
            return error.response.status_code


def wait_until(happened: Callable[[], object]) -> None:
    """Ask until it happened, at most two minutes."""
    deadline, pause = time.monotonic() + 120, threading.Event()
    while not happened():
        assert time.monotonic() < deadline
        pause.wait(0.2)


@pytest.fixture(scope="module")
def webserver(tmp_path_factory: pytest.TempPathFactory, start_dagster: Callable[[Home], Any]) -> Webserver:
    """The webserver over a small home, and the address that would stop the sensor of promotions."""
    small = SmallClassifier(Home(tmp_path_factory.mktemp("webserver")))
    small.write()
    processes = start_dagster(small.home)
    processes.start("webserver")
    selector = {**processes.SELECTOR, "sensorName": SENSOR}

    def read() -> dict[str, str]:
        return dict(processes.ask(STATE, selector=selector)["sensorOrError"]["sensorState"])

    return Webserver(urlsplit(processes.url).netloc, STOP % read()["id"], lambda: read()["status"])


def test_no_way_of_another_site_gets_through(webserver: Webserver) -> None:
    """POST, GET and websocket, for each way; the sensor goes on."""
    body = json.dumps({"query": webserver.stop})
    for what, (headers, status) in FOREIGN.items():
        assert (what, webserver.ask("POST", "/graphql", body, **{**JSON, **headers})) == (what, status)
        for path in ("/", "/graphql", "/server_info", f"/graphql?query={quote(webserver.stop)}", "/runs"):
            assert (what, path, webserver.ask("GET", path, **{"Accept": "text/html", **headers})) == (
                what,
                path,
                status,
            )
    for headers in ({"Origin": "https://evil.test"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        assert (headers, webserver.open_websocket(**headers)) == (headers, 403)
    assert webserver.state() == "RUNNING"


def test_an_image_stops_no_sensor(webserver: Webserver) -> None:
    """GraphQL in an address is not executed: by GET, whatever the browser sends with an image, and by no other POST."""
    path = f"/graphql?query={quote(webserver.stop)}"
    for accept in ("image/avif,image/webp,*/*;q=0.8", "*/*", "application/json"):
        assert webserver.ask("GET", path, Accept=accept) == 405
    assert webserver.ask("GET", path) == 405
    for type_ in TYPES:
        headers = {"Content-Type": type_} if type_ else {}
        assert (type_, webserver.ask("POST", path, "{}", **headers)) == (type_, 415)
        assert webserver.ask("POST", "/report_asset_materialization/adapter", "{}", **headers) == 415
    assert webserver.state() == "RUNNING"


def test_our_own_page_works(webserver: Webserver) -> None:
    """By each name of this machine the page opens, asks and listens; a link from elsewhere opens it."""
    port = webserver.address.partition(":")[2]
    for name in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"):
        own = {"Host": name, "Origin": f"http://{name}", "Sec-Fetch-Site": "same-origin"}
        assert webserver.ask("POST", "/graphql", json.dumps({"query": "{ version }"}), **{**JSON, **own}) == 200
        assert webserver.ask("GET", "/runs", Host=name, Accept="text/html") == 200
    assert webserver.open_websocket(Origin=f"http://{webserver.address}") == 101
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert webserver.ask("GET", "/", Accept="text/html", **link) == 200
    assert webserver.ask("POST", "/graphql", json.dumps({"query": webserver.stop}), **JSON) == 200
    assert webserver.state() == "STOPPED"


def test_make_dev_starts_both_and_stops_both(tmp_path: Path) -> None:
    """The UI answers behind the guard, the daemon runs; Ctrl-C ends all of it with 0."""
    small = SmallClassifier(Home(tmp_path))
    small.write()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    own = {"RATCHET_HOME": str(tmp_path), "DAGSTER_HOME": str(small.home.dagster)}
    command = [sys.executable, "-m", "orchestration.dev", "-p", port]
    with (tmp_path / "dev.log").open("w") as log:
        dev = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **own}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        page = Webserver(f"127.0.0.1:{port}", "", str)
        wait_until(lambda: page.answers() or dev.poll() is not None)
        assert page.ask("GET", "/", Accept="text/html") == 200
        assert page.ask("GET", "/", Host="evil.test", Accept="text/html") == 403
        family = psutil.Process(dev.pid).children(recursive=True)
        assert any("dagster._daemon" in process.cmdline() for process in family)
        listening = {
            each.laddr.port for process in family for each in process.net_connections("inet") if not each.raddr
        }
        assert listening == {int(port)}  # no other port is open, guarded or not
        dev.send_signal(signal.SIGINT)
        assert dev.wait(90) == 0
        assert psutil.wait_procs(family, timeout=30)[1] == []
    finally:
        with suppress(ProcessLookupError):
            os.killpg(dev.pid, signal.SIGKILL)
