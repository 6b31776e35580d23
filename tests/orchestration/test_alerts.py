"""The sensor sends alerts, starts no run, and is stopped by nothing."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration import alerts
from orchestration.alerts import alert_sensor
from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.alert_log import read_tick
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports, StageResult
from ratchet.testing.alert_receiver import AlertReceiver


def reason_of_a_tick(home: Home) -> str:
    """The sentence of one tick of the sensor."""
    with dg.DagsterInstance.ephemeral() as instance:
        found = alert_sensor(dg.build_sensor_context(instance=instance, resources={"home": home}))
    assert isinstance(found, dg.SkipReason)
    return found.skip_message or ""


def test_the_sensor_runs_from_the_start() -> None:
    """Nobody has to switch on what tells them that something is wrong."""
    assert alert_sensor.default_status is dg.DefaultSensorStatus.RUNNING


def test_a_home_without_settings_is_left_alone(tmp_path: Path) -> None:
    """Nothing is made in it."""
    assert reason_of_a_tick(Home(tmp_path)) == "0 due, 0 sent"
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_read_are_the_reason_of_a_tick(tmp_path: Path) -> None:
    """With the line and the hint."""
    (tmp_path / "settings.toml").write_text("[alrts]\n")
    assert "settings.toml line 1: unknown key" in reason_of_a_tick(Home(tmp_path))


@pytest.mark.slow
def test_a_tick_sends_what_is_due(tmp_path: Path) -> None:
    """A week that was blocked since the tick before."""
    home = Home(tmp_path)
    home.classifier("tickets").mkdir()
    home.spec("tickets").write_text(
        '[[label]]\nname = "a"\n\n[[label]]\nname = "b"\n\n[[candidate]]\nmethod = "probe"\n'
    )
    with AlertReceiver() as receiver:
        home.settings.write_text(
            '[alerts]\ngroup_minutes = 0\ndigest_at = ""\n'
            f'[[alerts.receiver]]\nname = "ops"\nurl = "{receiver.address}"\n'
        )
        reason_of_a_tick(home)
        stages = [StageResult("row_quality", "blocked", 1.0, "Fails: 9 rows have no text.")]
        Reports(home).record(Cycle("tickets", parse_week("2026-02-23")), stages, "run-1", now=datetime.now(UTC))
        assert reason_of_a_tick(home) == "1 due, 1 sent"
        assert receiver.ids() == ["tickets:2026-02-23:run-1:blocked"]


@pytest.mark.slow
def test_a_receiver_that_hangs_keeps_no_other_sensor_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tick ends while it is still sending, and the next one leaves the work to it."""
    monkeypatch.setattr(alerts, "ALERT_TICK_S", 0.1)
    home = Home(tmp_path)
    with AlertReceiver() as receiver:
        receiver.status = 0
        home.settings.write_text(f'[alerts]\ndigest_at = ""\nping = "{receiver.url}/ping"\n')
        assert reason_of_a_tick(home) == "still sending"
        monkeypatch.setattr(alerts, "ALERT_TICK_S", 5.0)
        assert reason_of_a_tick(home) == "another process sends alerts"
    for thread in threading.enumerate():
        if thread.name == "alerts":
            thread.join()
    assert read_tick(home)["failed"] == {"ping": "could not be reached"}
