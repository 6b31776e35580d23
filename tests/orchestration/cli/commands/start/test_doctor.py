"""`ratchet doctor` on homes with something broken."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.dagster_settings import SETTINGS
from ratchet.storage.alert_log import AlertLog, write_tick
from ratchet.storage.home import Home
from ratchet.workflows.doctor.doctor import examine
from ratchet.workflows.doctor.home_settings import examine_home_settings


def states(home: Path, environment: dict[str, str] | None = None) -> dict[str, str]:
    """What was looked at, with its state."""
    return {finding.what: finding.state for finding in examine(Home(home), environment or {})}


def test_a_sound_home_has_no_failure(call: Any, made_home: Path) -> None:
    """Exit code 0, one line for each finding, and nothing left behind in the home."""
    before = sorted(made_home.rglob("*"))
    done = call("--home", made_home, "doctor", "--json")
    document = json.loads(done.out)
    assert done.code == 0, done.out
    assert document["healthy"]
    assert {"python", "disk", "memory", "home", "base model", "warehouse of tickets", "specification of tickets"} <= {
        finding["what"] for finding in document["findings"]
    }
    assert all(finding["cure"] for finding in document["findings"] if finding["state"] != "ok")
    assert sorted(made_home.rglob("*")) == before


@pytest.mark.parametrize(
    ("broken", "content", "what"),
    [
        ("tickets/classifier.toml", "[[label]", "specification of tickets"),
        ("tickets/golden.jsonl", "{}\n", "golden set of tickets"),
        ("tickets/golden.jsonl", '{"text": "x", "label": "amber"}\n', "golden set of tickets"),
        ("tickets/ledger.jsonl", "{}\n", "ledger of tickets"),
        ("tickets/warehouse.duckdb", "no database", "warehouse of tickets"),
    ],
)
@pytest.mark.feature(13)
def test_each_broken_thing_is_named_and_fails(call: Any, home: Path, broken: str, content: str, what: str) -> None:
    """Exit code 1, and the line says what is wrong and the cure."""
    (home / broken).write_text(content)
    assert states(home)[what] == "fail"
    done = call("--home", home, "doctor")
    assert done.code == 1
    assert what in done.out.splitlines()[-1]
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("text", "mode", "what", "state"),
    [
        ("", 0o644, "settings.toml", "ok"),
        ("[alert]\n", 0o644, "settings.toml", "fail"),
        ('[[alerts.receiver]]\nname = "ops"\nurl = "slack://${CANARY_MISSING}/#ops"\n', 0o644, "receiver ops", "warn"),
        ('[[alerts.receiver]]\nname = "ops"\nurl = "slack://CANARY/B/C"\n', 0o644, "settings.toml", "warn"),
        ('[[alerts.receiver]]\nname = "ops"\nurl = "slack://CANARY/B/C"\n', 0o600, "settings.toml", "ok"),
        ('[alerts]\nping = "https://hc.example/${CANARY_MISSING}"\n', 0o644, "ping of alerts", "warn"),
    ],
)
def test_settings_of_the_home_are_looked_at(home: Path, text: str, mode: int, what: str, state: str) -> None:
    """A wrong file, a variable that is not set, and a secret that others can read; no secret is shown."""
    (home / "settings.toml").write_text(text)
    (home / "settings.toml").chmod(mode)
    findings = list(examine_home_settings(Home(home), {}))
    assert {each.what: each.state for each in findings}[what] == state
    assert "slack://CANARY" not in str(findings)


def test_a_receiver_that_fails_and_a_sender_that_is_gone_are_warnings(home: Path) -> None:
    """With what to do; while somebody looks, that is a line of its own."""
    place, now = Home(home), datetime.now(UTC)
    (home / "settings.toml").write_text('[[alerts.receiver]]\nname = "ops"\nurl = "json://127.0.0.1"\n')
    assert [each.found for each in examine_home_settings(place, {})][-1] == "nobody has looked for alerts yet"
    log, state = AlertLog(place), AlertLog(place).read()
    log.intend(state, "ops", {"id": "a", "alerts": ["a"], "title": "", "body": ""}, now)
    log.end(state, "ops", "a", "answered 403", now)
    write_tick(place, {"at": now.isoformat()})
    found = {each.what: each for each in examine_home_settings(place, {})}
    assert (found["receiver ops"].state, found["receiver ops"].found) == ("warn", "1 failure in a row, answered 403")
    assert found["alerts"].state == "ok"
    write_tick(place, {"at": (now - timedelta(hours=1)).isoformat()})
    assert {each.what: each for each in examine_home_settings(place, {})}["alerts"].state == "warn"


def test_lines_of_a_file_can_be_copied_from_the_screen(call: Any, home: Path) -> None:
    """Each is a line of its own, indented as `dagster.yaml` needs it."""
    (home / "dagster").mkdir(exist_ok=True)
    (home / "dagster" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    lines = SETTINGS.splitlines()[1:9]
    shown = call("--home", home, "doctor").out.splitlines()
    assert shown[shown.index(lines[0]) :][: len(lines)] == lines


def test_settings_that_nothing_reads_are_a_warning_there_and_before_a_cycle(call: Any, home: Path) -> None:
    """They are said with the cure, and stop nothing."""
    spec = home / "tickets" / "classifier.toml"
    assert "settings of tickets" not in states(home)
    spec.write_text(spec.read_text() + '\n[[candidate]]\nmethod = "probe"\ninverse_regularisation = 1.0\nepochs = 9\n')
    assert states(home)["settings of tickets"] == "warn"
    said = 'Candidate 3: method = "probe" does not read epochs. Remove it, or use another method.'
    # which has no rows yet
    assert f"remark: {said}" in call("--home", home, "cycle", "tickets", "--week", "latest").err
    assert call("--home", home, "doctor").code == 0


@pytest.mark.parametrize(
    ("url", "environment", "state"),
    [
        ("https://api.example.com/v1", {}, "warn"),
        ("https://api.example.com/v1", {"RATCHET_FRONTIER_KEY": "two\nlines"}, "warn"),
        ("https://api.example.com/v1", {"RATCHET_FRONTIER_KEY": "sk-1"}, "ok"),
        ("http://localhost:8000/v1", {}, "ok"),
    ],
)
def test_a_frontier_without_its_key_is_a_warning(home: Path, url: str, environment: dict[str, str], state: str) -> None:
    """It is said which variable, with the cure, and never what it holds; an endpoint on this machine may go without."""
    spec = home / "tickets" / "classifier.toml"
    assert "frontier of tickets" not in states(home, environment)
    table = f'\n[frontier]\nbase_url = "{url}"\nmodel = "large"\nprice_input = 1\nprice_output = 1\n'
    spec.write_text(spec.read_text() + table)
    found = next(each for each in examine(Home(home), environment) if each.what == "frontier of tickets")
    assert found.state == state
    assert state == "ok" or ("RATCHET_FRONTIER_KEY" in found.found and "Export RATCHET_FRONTIER_KEY" in found.cure)
    assert not any(value in f"{found}" for value in environment.values())


def test_a_home_that_is_not_there_and_a_foreign_dagster_home_are_warnings(tmp_path: Path) -> None:
    """Neither stands in the way."""
    found = states(tmp_path / "none", {"DAGSTER_HOME": str(tmp_path)})
    assert (found["home"], found["DAGSTER_HOME"]) == ("warn", "warn")
    assert not (tmp_path / "none").exists()


def test_a_warehouse_held_by_another_process_is_a_warning(home: Path, execute: Any) -> None:
    """An analyst's open shell is named, not broken into."""
    duckdb.connect(str(home / "tickets" / "warehouse.duckdb")).close()
    with duckdb.connect(str(home / "tickets" / "warehouse.duckdb")) as held:
        held.execute("CREATE TABLE t (a INTEGER)")
        done = execute("--home", home, "doctor")
    line = next(line for line in done.out.splitlines() if line[6:].startswith("warehouse of tickets "))
    assert line.startswith("warn")
    assert done.code == 0
