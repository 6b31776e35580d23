"""The real Label Studio, as `make label-studio` installs it: started, answered by two people, restored, and closed to
others. Skipped where it is not installed."""

import json
import os
import re
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from ratchet.core.errors import RatchetError
from ratchet.review.item import QueuedRequest
from ratchet.review.label_studio.server_settings import SETTINGS
from ratchet.review.reasons import LOW_CONFIDENCE
from ratchet.storage.home import Home
from ratchet.storage.review.label_studio_login import LabelStudioLogin, read_login, write_login
from ratchet.workflows.review.enqueue import enqueue
from ratchet.workflows.review.label_studio import describe_label_studio
from ratchet.workflows.review.label_studio_poll import poll
from ratchet.workflows.review.label_studio_push import push

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
INSTALLED = (ROOT / ".venv-label-studio" / "bin" / "label-studio").exists()
NAME = "small"
LABELS = ("a <b>&\"'</b>", "$dollar", "c")


def test_the_login_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    """Another port keeps user, password and token; no text of the login shows a secret; a damaged file is named."""
    home = Home(tmp_path)
    assert read_login(home) is None
    login = write_login(home, "http://127.0.0.1:8080")
    moved = write_login(home, "http://127.0.0.1:8090")
    assert (moved.token, moved.password, moved.url) == (login.token, login.password, "http://127.0.0.1:8090")
    path = home.label_studio / "login.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert login.token not in repr(login)
    assert login.password not in repr(login)
    path.write_text("{")
    with pytest.raises(RatchetError, match=r"login\.json cannot be read"):
        read_login(home)


def test_the_server_is_for_this_machine_alone() -> None:
    """Hosts of loopback only, nobody signs up, nothing is sent home, no address of this network is fetched."""
    assert SETTINGS["LABEL_STUDIO_ALLOWED_HOSTS"] == "127.0.0.1,localhost"
    assert SETTINGS["LABEL_STUDIO_DISABLE_SIGNUP_WITHOUT_LINK"] == "true"
    assert SETTINGS["LABEL_STUDIO_SSRF_PROTECTION_ENABLED"] == "true"
    assert SETTINGS["COLLECT_ANALYTICS"] == "false"


@pytest.mark.skipif(not INSTALLED, reason="Label Studio is not installed here: make label-studio installs it")
def test_a_round_trip_with_the_real_server(tmp_path: Path) -> None:
    """Batches, answers of two people, a change, a skip, a withdrawal and a restored backup, each once; and closed."""
    home, port = Home(tmp_path), _free_port()
    _write_classifier(home)
    with _running(home, port) as login:
        _queue(home, 4)
        assert push(home, NAME, size=4, environment={}).sent == 4
        tasks = _tasks(login)
        _check_closed(login)
        with _log_in(login, login.user, login.password) as admin, _second_user(login) as bob:
            _annotate(admin, tasks["rq0"], LABELS[0], lead_time=2.5)
            _annotate(bob, tasks["rq1"], LABELS[1])
            _annotate(bob, tasks["rq2"], None)
            gone = _annotate(bob, tasks["rq3"], "ratchet:none")
            assert _counts(poll(home, NAME, environment={})) == (3, 1, 0)
            assert _counts(poll(home, NAME, environment={})) == (0, 0, 0)
            bob.delete(f"/api/annotations/{gone}/").raise_for_status()
            assert _counts(poll(home, NAME, environment={})) == (0, 0, 1)
        backup = tmp_path / "backup"
    shutil.copytree(home.label_studio / "data", backup)
    with _running(home, port) as login:
        _queue(home, 6)
        assert push(home, NAME, size=4, environment={}).sent > 0
        with _log_in(login, login.user, login.password) as admin:
            _annotate(admin, _tasks(login)["rq3"], "c")
        assert _counts(poll(home, NAME, environment={})) == (1, 0, 0)
    shutil.rmtree(home.label_studio / "data")
    shutil.copytree(backup, home.label_studio / "data")
    with _running(home, port) as login:
        found = poll(home, NAME, environment={})
        assert (found.restored, _counts(found)) == (True, (0, 0, 0))
        assert "restored from an older backup" in describe_label_studio(home, NAME)
        assert push(home, NAME, size=4, environment={}).sent > 0
        with _log_in(login, login.user, login.password) as admin:
            _annotate(admin, _tasks(login)["rq4"], "c")
        assert _counts(poll(home, NAME, environment={})) == (1, 0, 0)
    rows = _rows(home)
    me = login.user.removesuffix("@localhost")
    assert [(row["request_id"], row["annotator"], row["label"] or row["answer"]) for row in rows] == [
        ("rq0", me, LABELS[0]),
        ("rq1", "bob@corp.example", LABELS[1]),
        ("rq3", "bob@corp.example", "none"),
        ("rq3", "bob@corp.example", "withdrawn"),
        ("rq3", me, "c"),
        ("rq4", me, "c"),
    ]
    assert rows[0]["seconds"] == 2.5
    _check_secrets(home, login)


def _write_classifier(home: Home) -> None:
    home.classifier(NAME).mkdir()
    labels = "".join(f"[[label]]\nname = {json.dumps(label)}\ndescription = '<i>x</i>'\n" for label in LABELS)
    home.spec(NAME).write_text(f"description = '<script>alert(1)</script>'\n{labels}[review]\ndouble_share = 0.0\n")


def _queue(home: Home, number: int) -> None:
    items = [
        QueuedRequest(f"rq{n}", LOW_CONFIDENCE, datetime.now(UTC), f"<b>text {n}</b>", value=-float(n))
        for n in range(number)
    ]
    enqueue(home, NAME, items, writer="cycle")


@contextmanager
def _running(home: Home, port: int) -> Iterator[LabelStudioLogin]:
    """Run the server as the command does, and stop it as a supervisor does."""
    command = [sys.executable, "-m", "orchestration.label_studio_server", "--port", str(port)]
    environment = {**os.environ, "RATCHET_HOME": str(home.root), "HF_TOKEN": "hf_canary"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        lines = []
        for line in process.stderr:
            lines.append(line)
            if "answers at" in line:
                break
        login = read_login(home)
        assert login is not None, lines
        assert "answers at" in lines[-1], lines
        assert login.token not in "".join(lines)
        yield login
    finally:
        process.terminate()
        assert process.wait(30) == 0
        process.stderr.close()


@contextmanager
def _log_in(login: LabelStudioLogin, mail: str, password: str) -> Iterator[httpx.Client]:
    """Log in as a person does, by the form."""
    with httpx.Client(base_url=login.url, timeout=60) as client:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get("/user/login/").text)
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "email": mail, "password": password}
        assert client.post("/user/login/", data=form, headers={"referer": login.url}).status_code == 302
        client.headers["x-csrftoken"] = client.cookies["csrftoken"]
        client.headers["referer"] = login.url
        yield client


@contextmanager
def _second_user(login: LabelStudioLogin) -> Iterator[httpx.Client]:
    password = "only-for-this-test"  # noqa: S105 - a user of this test's server
    with _api(login) as client:
        invitation = client.get("/api/invite").json()["invite_url"]
    with httpx.Client(base_url=login.url, timeout=60) as client:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', client.get(invitation).text)
        assert token is not None
        form = {"csrfmiddlewaretoken": token[1], "email": "Bob@corp.example", "password": password}
        made = client.post(invitation, data=form, headers={"referer": login.url})
        assert made.status_code == 302, made.text
    with _log_in(login, "bob@corp.example", password) as client:
        yield client


def _api(login: LabelStudioLogin) -> httpx.Client:
    return httpx.Client(base_url=login.url, headers={"authorization": f"Token {login.token}"}, timeout=60)


def _tasks(login: LabelStudioLogin) -> dict[str, int]:
    with _api(login) as client:
        found = client.get("/api/tasks", params={"project": 1, "page_size": 100}).json()["tasks"]
    assert all(task["data"]["text"].startswith("<b>text") for task in found)
    return {task["data"]["request_id"]: task["id"] for task in sorted(found, key=lambda task: task["id"])}


def _annotate(client: httpx.Client, task: int, choice: str | None, **more: Any) -> int:
    chosen = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [choice]}}
    content = {"result": [chosen] if choice else [], "was_cancelled": choice is None, **more}
    made = client.post(f"/api/tasks/{task}/annotations/", json=content)
    assert made.status_code == 201, made.text
    return int(made.json()["id"])


def _counts(found: Any) -> tuple[int, int, int]:
    return found.votes, found.skips, found.withdrawn


def _check_closed(login: LabelStudioLogin) -> None:
    """Nobody signs up, other hosts and other origins are refused, and no address of this network is called."""
    with httpx.Client(base_url=login.url, timeout=60) as client:
        form = {"email": "eve@corp.example", "password": "eve-eve-eve-eve"}
        assert client.post("/user/signup/", data=form).status_code in {403, 404}
        assert client.get("/api/version", headers={"host": "labels.example.com"}).status_code == 400
        answer = client.get("/api/version", headers={"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in answer.headers
        assert client.get("/api/projects").status_code == 401
    with _api(login) as client:
        hook = {"project": 1, "url": f"{login.url}/api/projects"}
        assert client.post("/api/webhooks/", json=hook).status_code == 403
        assert client.get("/api/ml", params={"project": 1}).json() == []
        project = client.get("/api/projects/1").json()
    assert "<script" not in project["expert_instruction"]
    assert "&lt;script&gt;" in project["expert_instruction"]
    assert project["parsed_label_config"]["label"]["labels"][:3] == list(LABELS)
    with socket.socket() as outside:
        outside.settimeout(2)
        assert outside.connect_ex((_address(), int(login.url.rpartition(":")[2]))) != 0


def _address() -> str:
    """Return an address of this machine that is not loopback, without sending anything."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "192.0.2.1"
        return str(probe.getsockname()[0])


def _check_secrets(home: Home, login: LabelStudioLogin) -> None:
    """Neither token nor password stands in any file but the login and the database, which holds the token."""
    secrets = [login.token.encode(), login.password.encode(), b"hf_canary"]
    for path in home.root.rglob("*"):
        if path.is_file() and path.name != "login.json" and ".sqlite3" not in path.name:
            content = path.read_bytes()
            assert not [secret for secret in secrets if secret in content], path
    assert stat.S_IMODE(home.label_studio.stat().st_mode) == 0o700


def _rows(home: Home) -> list[dict[str, Any]]:
    segments = home.landing(NAME, "corrections").glob("gateway-*.parquet")
    rows = [row for path in segments for row in pq.read_table(path).to_pylist()]
    return sorted({tuple(row.items()): row for row in rows}.values(), key=lambda row: (row["request_id"], row["ts"]))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """Label Studio itself would take the next free port, where no client looks."""
    from orchestration.label_studio_server import serve

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "label-studio").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(RatchetError, match=r"port \d+ cannot be used"):
            serve(Home(tmp_path / "home"), taken.getsockname()[1], tmp_path)
    with pytest.raises(RatchetError, match="has no Label Studio"):
        serve(Home(tmp_path / "home"), 1, tmp_path / "nothing")
