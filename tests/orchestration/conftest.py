"""A small home, and cycles run on a real ephemeral Dagster instance."""

import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar

import dagster as dg
import psutil
import pytest

from orchestration.cli.app import main
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance, prepare_dagster_home
from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.rollout.nominate import nominate, promote

WEEK = date(2026, 1, 5)
POLICY = """
[promotion]
min_requests = 60
min_labels = 40
margin = 0.15
min_step_requests = 20
dwell_minutes = 30
"""
ROOT = Path(__file__).parents[2]
RATCHET = [sys.executable, "-c", "import sys; from orchestration.cli.app import main; sys.exit(main())"]


@pytest.fixture
def small(tmp_path: Path) -> SmallClassifier:
    """A classifier with specification and golden set, and no data yet."""
    classifier = SmallClassifier(Home(tmp_path))
    classifier.write()
    return classifier


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An ephemeral Dagster instance."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def stored_instance() -> Iterator[dg.DagsterInstance]:
    """A Dagster instance in a temporary folder: schedules need one that can be opened again."""
    with dg.instance_for_test() as found:
        yield found


@pytest.fixture
def run_cycle(small: SmallClassifier, instance: dg.DagsterInstance) -> Callable[..., dg.ExecuteInProcessResult]:
    """Run the weekly job in this process: `run_cycle(week, **resource_overrides)`."""

    def run(week: date = WEEK, **overrides: Any) -> dg.ExecuteInProcessResult:
        definitions = build_definitions(str(small.home.root), week, **overrides)
        instance.add_dynamic_partitions("classifiers", [small.name])
        key = dg.MultiPartitionKey({"classifier": small.name, "week": str(week)})
        return definitions.resolve_job_def("weekly_cycle").execute_in_process(
            instance=instance, partition_key=key, raise_on_error=False
        )

    return run


@pytest.fixture(scope="session")
def run_here() -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Run the command in this process, which has imported everything: for what a cycle leaves behind, not for
    processes."""

    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        out, err, line = io.StringIO(), io.StringIO(), [str(word) for word in words]
        with warnings.catch_warnings(), redirect_stdout(out), redirect_stderr(err):
            warnings.simplefilter("ignore")  # a command prints what libraries warn of
            code = main(line)
        return subprocess.CompletedProcess(line, code, out.getvalue(), err.getvalue())

    return run


def choose_some_for_their_value(logs: list[dict[str, Any]], corrections: list[dict[str, Any]]) -> None:
    """Let the last six requests be some that the review queue chose for their value: they only train."""
    chosen = {row["request_id"] for row in logs[-6:]}
    for row in corrections:
        row["chosen"] = "value" if row["request_id"] in chosen else None


@pytest.fixture(scope="session")
def passed(
    tmp_path_factory: pytest.TempPathFactory, run_here: Callable[..., "subprocess.CompletedProcess[str]"]
) -> Home:
    """Week one is live and week two has passed its cycle. Copy it; its tests share the xdist group `rollouts`."""
    home = Home(tmp_path_factory.mktemp("rollouts") / "home")
    small = SmallClassifier(home)
    small.write(settings=POLICY)
    for week in (WEEK, WEEK + timedelta(days=7)):
        small.write_week(week, choose_some_for_their_value)
        done = run_here("--home", home.root, "cycle", small.name, "--week", week)
        assert done.returncode == 0, done.stderr
        if week == WEEK:
            promote(home, nominate(home, small.name), "the first")
    return home


class DagsterProcesses:
    """Dagster's real daemon and webserver over a home, which can be killed with all that they started."""

    DEADLINE_S = 240
    SELECTOR: ClassVar = {"repositoryLocationName": "ratchet", "repositoryName": "__repository__"}
    COMMANDS: ClassVar = {"daemon": ["dagster._daemon", "run"], "webserver": ["orchestration.webserver"]}
    LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
      loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
    LAUNCH = """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
      __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } }}"""

    def __init__(self, home: Home) -> None:
        self.home, self._running, self._port = home, list[subprocess.Popen[bytes]](), 0
        prepare_dagster_home(home.dagster)

    def start(self, *names: str, **environment: str) -> None:
        """Start the daemon, the webserver or both; of the webserver it is waited for that it answers and has all
        definitions."""
        own = {"RATCHET_HOME": str(self.home.root), "DAGSTER_HOME": str(self.home.dagster), "PYTHONPATH": str(ROOT)}
        for name in names:
            words = ["-m", *self.COMMANDS[name], "-w", "workspace.yaml"]
            if name == "webserver":
                with socket.socket() as free:
                    free.bind(("127.0.0.1", 0))
                    self._port = free.getsockname()[1]
                words += ["-p", str(self._port)]
            command, environ = [sys.executable, *words], {**os.environ, **own, **environment}
            with (self.home.root / f"{name}.log").open("a") as log:
                process = subprocess.Popen(
                    command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
                )
            self._running.append(process)
        if "webserver" in names:
            self.wait_until(self._answers, "the webserver answers")
            (location,) = self.ask(self.LOCATIONS)["workspaceOrError"]["locationEntries"]
            assert location["locationOrLoadError"] == {"__typename": "RepositoryLocation"}, location

    def kill(self) -> None:
        """Kill -9 everything at once, as a machine that loses its power."""
        for member in self.family():
            with suppress(psutil.NoSuchProcess):
                member.kill()
        for process in self._running:
            process.wait()
        self._running.clear()

    def family(self) -> list[psutil.Process]:
        """Every process that was started, with its children and theirs."""
        found = []
        for process in self._running:
            with suppress(psutil.NoSuchProcess):
                first = psutil.Process(process.pid)
                found += [first, *first.children(recursive=True)]
        return found

    def stop(self) -> None:
        """Ask all to end, and kill what has not after twenty seconds."""
        for process in self._running:
            process.terminate()
        for process in self._running:
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
        with suppress(psutil.NoSuchProcess):
            self.kill()
        self._running.clear()

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of one GraphQL query to the webserver; errors fail the test."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        url = f"{self.url}/graphql"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as reply:  # noqa: S310
            answer = json.load(reply)
        assert "errors" not in answer, answer
        return dict(answer["data"])

    @property
    def url(self) -> str:
        """The webserver's address."""
        return f"http://127.0.0.1:{self._port}"

    def launch(self, job: str, partition: str, more: Mapping[str, str] | None = None) -> str:
        """Launch a job on `classifier|week` as the UI does, with `more` tags; the run's id."""
        classifier, _, week = partition.partition("|")
        with self.instance() as instance:
            instance.add_dynamic_partitions("classifiers", [classifier])
        keys = {"": partition, "/classifier": classifier, "/week": week}
        tags = [{"key": f"dagster/partition{key}", "value": value} for key, value in keys.items()]
        tags += [{"key": key, "value": value} for key, value in (more or {}).items() if "partition" not in key]
        selector = {**self.SELECTOR, "jobName": job}
        params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": tags}}
        launched = self.ask(self.LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def end_of(self, run_id: str) -> str:
        """Wait until a run has ended; its status."""
        self.wait_until(lambda: self.run(run_id).is_finished, f"run {run_id} ends")
        return self.run(run_id).status.value

    def run(self, run_id: str) -> dg.DagsterRun:
        """What the instance holds of a run."""
        with self.instance() as instance:
            found = instance.get_run_by_id(run_id)
        assert found is not None
        return found

    def instance(self) -> dg.DagsterInstance:
        """The instance that the processes share; a context manager."""
        return open_instance(self.home.dagster)

    def wait_until(self, happened: Callable[[], object], what: str, *, every_s: float = 0.5) -> None:
        """Ask until it happened, at most four minutes."""
        deadline, pause = time.monotonic() + self.DEADLINE_S, threading.Event()
        while not happened():
            assert time.monotonic() < deadline, f"{what}: not within {self.DEADLINE_S} s"
            pause.wait(every_s)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def _make_processes() -> Iterator[Callable[[Home], DagsterProcesses]]:
    made: list[DagsterProcesses] = []

    def make(home: Home) -> DagsterProcesses:
        made.append(DagsterProcesses(home))
        return made[-1]

    yield make
    for found in made:
        found.stop()


@pytest.fixture
def dagster_processes() -> Iterator[Callable[[Home], DagsterProcesses]]:
    """Make `DagsterProcesses` over a home; whatever still runs at the end is ended."""
    yield from _make_processes()


@pytest.fixture(scope="module")
def start_dagster() -> Iterator[Callable[[Home], DagsterProcesses]]:
    """The same for all tests of a module."""
    yield from _make_processes()
