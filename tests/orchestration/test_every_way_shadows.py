"""A cycle that passed gets its shadow, whichever way it ran: one real daemon, one classifier for each way."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.weekly_cycle import weekly_cycle_schedule
from ratchet.config.candidate import DEFAULT_BASES
from ratchet.core.cycle import Cycle
from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.rollout.ledger import Ledger
from ratchet.testing.homes import WORDS, SmallClassifier, keep_receipts
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.workflows.rollout.reconcile import record
from ratchet.workflows.rollout.shadow import find_entrant

WEEK, LIVE_WEEK = date(2026, 1, 5), "2025-12-29"
pytestmark = pytest.mark.slow
BACKFILL = """mutation Backfill($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } }}"""
ASSETS = (
    "production_logs", "corrected_labels", "training_set", "adapter", "calibration_temperature", "eval_report",
    "gate_audit",
)  # fmt: skip


def make_live(home: Home, name: str) -> None:
    """Make a classifier with one week of rows, and something live that knows nothing."""
    early = 50 if name == "feedback" else 0
    small = SmallClassifier(home, name)
    small.write(settings=f"[window]\nearly_after_corrections = {early}\n")
    with tempfile.TemporaryDirectory() as made:
        base = resolve_base(DEFAULT_BASES["encoder"])
        folder = write_tiny_adapter(Path(made) / "adapter", base, tuple(WORDS), method="probe")
        adapter = AdapterStore(home).seal(name, folder, {})
    said = {"ts": f"{LIVE_WEEK}T10:00:00+00:00", "actor": "test", "why": "the first", "week": LIVE_WEEK}
    record(
        home, name, action="promote", adapter=adapter, receipts=keep_receipts(home, name, LIVE_WEEK, adapter), **said
    )
    shutil.rmtree(home.receipts(Cycle(name, date.fromisoformat(LIVE_WEEK))))
    small.write_week(WEEK)


def by_command(processes: Any) -> None:
    """`ratchet cycle`, in a process of its own: Dagster's sensors see no event of it."""
    words = ["--home", str(processes.home.root), "cycle", "command", "--week", str(WEEK)]
    command = [sys.executable, "-m", "orchestration.cli.app", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "next: ratchet shadow command" in done.stdout


def by_ui(processes: Any) -> None:
    """Launched by hand in the UI."""
    processes.launch("weekly_cycle", f"ui|{WEEK}")


def by_schedule(processes: Any) -> None:
    """What the schedule requests on the Monday after, with its tags."""
    with processes.instance() as instance:
        context = dg.build_schedule_context(
            instance=instance, scheduled_execution_time=datetime(2026, 1, 12, 6, tzinfo=UTC)
        )
        requests = list(weekly_cycle_schedule(context, home=processes.home))
    (request,) = (each for each in requests if str(each.partition_key).startswith("schedule|"))
    processes.launch("weekly_cycle", str(request.partition_key), request.tags)


def by_feedback(processes: Any) -> None:
    """By itself: the sensor finds enough new corrections."""


def by_backfill(processes: Any) -> None:
    """A backfill of the assets over the week."""
    with processes.instance() as instance:
        instance.add_dynamic_partitions("classifiers", ["backfill"])
    params = {
        "assetSelection": [{"path": [name]} for name in ASSETS], "partitionNames": [f"backfill|{WEEK}"],
    }  # fmt: skip
    launched = processes.ask(BACKFILL, params=params)["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched


WAYS: dict[str, Callable[[Any], None]] = {
    "feedback": by_feedback, "ui": by_ui, "schedule": by_schedule, "backfill": by_backfill, "command": by_command
}  # fmt: skip


@pytest.fixture(scope="module")
def running(
    start_dagster: Callable[[Home], Any], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Any:
    """A daemon over a home in which one classifier runs each way that is selected, and one ran before an upgrade."""
    cases = [item.callspec.params for item in request.session.items if isinstance(item, pytest.Function)
             and item.module is request.module and hasattr(item, "callspec")]  # fmt: skip
    ways = {way: start for way, start in WAYS.items() if {"way": way} in cases}
    home = Home(tmp_path_factory.mktemp("ways") / "home")
    home.root.mkdir()
    for name in (*ways, "upgraded"):
        make_live(home, name)
    processes = start_dagster(home)
    processes.start("daemon", "webserver")
    for start in ways.values():
        start(processes)
    return processes


def moves(home: Home, name: str) -> list[str]:
    """Actions of the ledger, what seals a policy aside."""
    return [entry.action for entry in Ledger(home).entries(name) if entry.action != "policy"]


def ticks(processes: Any) -> int:
    """How often the daemon has asked the sensor."""
    with processes.instance() as instance:
        states = [state for state in instance.all_instigator_state() if state.name == "shadow_deployment_sensor"]
        return sum(len(instance.get_ticks(state.instigator_origin_id, state.selector_id)) for state in states)


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=() if way == "command" else pytest.mark.faults) for way in WAYS]
)
def test_a_cycle_that_passed_shadows_whichever_way_it_ran(way: str, running: Any) -> None:
    """Once, with the candidate of its week, and no user sees it."""
    running.wait_until(lambda: moves(running.home, way) != ["promote"], f"{way} shadows")
    assert moves(running.home, way) == ["promote", "shadow"]
    newest = Ledger(running.home).entries(way)[-1]
    assert (newest.week, newest.adapter) == (str(WEEK), Receipts(running.home).noted(Cycle(way, WEEK))["adapter"])


def test_an_upgrade_shadows_no_old_week(running: Any) -> None:
    """A week that passed before this rule, and whose candidate never shadowed, stays where it is; `ratchet shadow`
    may take it."""
    home = running.home
    keep_receipts(home, "upgraded", str(WEEK), "e" * 64)
    Receipts(home).note(Cycle("upgraded", WEEK), adapter="e" * 64)
    assert "no cycle has passed" in find_entrant(home, "upgraded").reason
    before = ticks(running)
    running.wait_until(lambda: ticks(running) > before + 1, "the sensor has looked twice")
    assert moves(home, "upgraded") == ["promote"]
