"""Alerts survive a power loss: what was due stays due, what was sent stays sent, a message keeps its id and text."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.alert_log import AlertLog
from ratchet.storage.home import Home
from ratchet.storage.reports import StageResult
from ratchet.storage.run_log import RunLog
from ratchet.testing.disk.crash_trials import Scenario, crash_everywhere, crash_recovery_everywhere, fail_everywhere
from ratchet.testing.disk.faulty_disk import FaultyDisk

pytestmark = pytest.mark.slow

HOME = Home(Path("home"))
NOW = datetime(2026, 3, 4, tzinfo=UTC)


def send_everything(disk: FaultyDisk, told: list[Any]) -> None:
    """A sender's tick: two alerts become due, each is written as a message, arrives, and is noted as sent."""
    log = AlertLog(HOME, disk)
    state = log.read()
    for name in ("a", "b"):
        try:
            if name not in state.due:
                log.add_due(
                    state, {"id": name, "event": "blocked", "classifier": "c", "line": name, "link": ""}, ["ops"], NOW
                )
                told.append(("due", name))
            if not state.unfinished("ops"):
                for each in state.waiting("ops"):
                    message = {"id": each["id"], "alerts": [each["id"]], "title": "t", "body": each["line"]}
                    log.intend(state, "ops", message, NOW)
            for each in state.unfinished("ops"):
                told.append(("arrived", each["id"], each["body"]))
                log.end(state, "ops", each["id"], "", NOW)
                told.append(("sent", each["id"]))
        except OSError:
            continue


def check(disk: FaultyDisk, told: list[Any]) -> None:
    """The next tick ends the work: nothing is missing, and what was noted as sent does not arrive again."""
    state = AlertLog(HOME, disk).read()
    assert {each[1] for each in told if each[0] == "due"} <= set(state.due)
    done = {each[1] for each in told if each[0] == "sent"}
    assert all(state.is_sent("ops", name) for name in done)
    for each in told:
        if each[0] == "arrived":
            assert state.messages["ops", each[1]]["body"] == each[2], "it arrived before it was written"
    later: list[Any] = []
    send_everything(disk, later)
    arrived = [each[1] for each in later if each[0] == "arrived"]
    assert not done & set(arrived)
    ended = AlertLog(HOME, disk).read()
    assert all(ended.is_sent("ops", name) for name in ("a", "b")), "one never arrived"
    assert len(arrived) == len(set(arrived))


def test_the_log_of_alerts_survives_whatever_the_disk_forgets() -> None:
    """At every operation, with every extreme of what survives; the recovery, too; and a disk that refuses each."""
    scenario = Scenario(lambda: FaultyDisk().prepared(HOME.alerts), send_everything, check)
    assert crash_everywhere(scenario, draws=2) > 100
    assert crash_recovery_everywhere(scenario) > 100
    fail_everywhere(scenario)


def test_the_run_log_survives_whatever_the_disk_forgets() -> None:
    """Every acknowledged run is there, once, with its outcome."""
    week = Cycle("c", parse_week("2026-01-05"))

    def work(disk: FaultyDisk, told: list[Any]) -> None:
        for run in ("run-1", "run-2"):
            try:
                RunLog(HOME, disk).note(week, [StageResult("a", "blocked", 1.0, "x")], run, NOW)
                told.append(run)
            except OSError:
                continue

    def check_runs(disk: FaultyDisk, told: list[Any]) -> None:
        found = [line.run for line in RunLog(HOME, disk).read("c") if line.ended]
        assert set(told) <= set(found)
        assert len(found) == len(set(found))
        work(disk, told)

    scenario = Scenario(lambda: FaultyDisk().prepared(HOME.classifier("c")), work, check_runs)
    assert crash_everywhere(scenario, draws=2) > 50
    fail_everywhere(scenario)
