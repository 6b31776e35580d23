"""The cycle through Dagster's real webserver and daemon: launched over GraphQL, outcome read back."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from orchestration.instance import prepare_dagster_home
from ratchet.stores.home import Home
from ratchet.testing import SmallClassifier

ROOT = Path(__file__).parents[2]
DEADLINE_S = 240
SELECTOR = {"repositoryLocationName": "ratchet", "repositoryName": "__repository__"}

ADD_PARTITION = """mutation Add($selector: RepositorySelector!, $key: String!) {
  addDynamicPartition(repositorySelector: $selector, partitionsDefName: "classifiers", partitionKey: $key) { __typename }}"""
LAUNCH = """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }}"""
STATUS = "query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
OUTCOME = """query Outcome($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(limit: 1) { runId partition metadataEntries { label ... on TextMetadataEntry { text } } } } }
  assetNodeOrError(assetKey: $key) { ... on AssetNode { assetChecksOrError { ... on AssetChecks { checks {
    name blocking executionForLatestMaterialization { runId status evaluation { success description } } } } } } }}"""


class Webserver:
    """GraphQL over loopback."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/graphql"

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of one query; errors fail the test."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self.url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
            answer = json.load(reply)
        assert "errors" not in answer, answer
        return dict(answer["data"])


@pytest.fixture
def webserver(tmp_path: Path) -> Iterator[Webserver]:
    """Webserver and daemon over a home in `tmp_path`, each in its own process group, both gone afterwards."""
    home = Home(tmp_path)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "RATCHET_HOME": str(tmp_path),
        "DAGSTER_HOME": str(prepare_dagster_home(home.dagster)),
        "PYTHONPATH": str(ROOT),
    }
    commands = (
        ["-m", "dagster_webserver", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)],
        ["-m", "dagster._daemon", "run", "-w", "workspace.yaml"],
    )
    logs = [(tmp_path / f"{name}.log").open("w") for name in ("webserver", "daemon")]
    processes = [
        subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        for command, log in zip(commands, logs, strict=True)
    ]
    try:
        wait_until(lambda: answers(port), "the webserver answers")
        server = Webserver(port)
        (location,) = server.ask(LOCATIONS)["workspaceOrError"]["locationEntries"]
        assert location["locationOrLoadError"] == {"__typename": "RepositoryLocation"}, location
        yield server
    finally:
        for process in processes:
            os.killpg(process.pid, signal.SIGTERM)
        for process, log in zip(processes, logs, strict=True):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            log.close()


def test_a_cycle_launched_in_the_ui_is_judged_and_seen_there(webserver: Webserver, tmp_path: Path) -> None:
    """Launch over GraphQL, wait for the run, read materialisation, verdict and check results back from Dagster."""
    small = SmallClassifier(Home(tmp_path))
    small.write()
    small.write_week(date(2026, 1, 5))
    added = webserver.ask(ADD_PARTITION, selector=SELECTOR, key=small.name)
    assert added["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess"
    tags = {
        "dagster/partition": "small|2026-01-05",
        "dagster/partition/classifier": "small",
        "dagster/partition/week": "2026-01-05",
    }
    launched = webserver.ask(
        LAUNCH,
        params={
            "selector": {**SELECTOR, "jobName": "weekly_cycle"},
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
        },
    )["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run = launched["run"]["runId"]
    ended = {"SUCCESS", "FAILURE", "CANCELED"}
    wait_until(lambda: webserver.ask(STATUS, id=run)["runOrError"]["status"] in ended, "the run ends")
    assert webserver.ask(STATUS, id=run)["runOrError"]["status"] == "SUCCESS"

    outcome = webserver.ask(OUTCOME, key={"path": ["eval_report"]})
    (materialised,) = outcome["assetOrError"]["assetMaterializations"]
    assert (materialised["runId"], materialised["partition"]) == (run, "small|2026-01-05")
    texts = {entry["label"]: entry.get("text") for entry in materialised["metadataEntries"]}
    assert str(texts["verdict"]).startswith("Passed: the first candidate clears every gate")
    checks = {check["name"]: check for check in outcome["assetNodeOrError"]["assetChecksOrError"]["checks"]}
    assert set(checks) == {"beats_baselines", "golden_agreement", "golden_set_regression"}
    for check in checks.values():
        found = check["executionForLatestMaterialization"]
        assert (check["blocking"], found["runId"], found["status"]) == (True, run, "SUCCEEDED")
        assert found["evaluation"]["description"].startswith("Passes: ")


def answers(port: int) -> bool:
    """Whether somebody listens."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(happened: Any, what: str) -> None:
    """Ask twice a second until it happened, at most four minutes."""
    deadline, pause = time.monotonic() + DEADLINE_S, threading.Event()
    while not happened():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        pause.wait(0.5)
