"""Alert rules, board and runbooks name only what exists: metrics and labels of a real gateway, commands, sections."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from orchestration.cli.registry import GROUPS
from ratchet.config.alert_events import EVENTS
from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.alert_log import write_tick
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports, StageResult
from ratchet.workflows.alerts.occurrence import RUNBOOKS

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "monitoring"
OF_PROMETHEUS = {"up": {"job", "instance"}}
"""Metrics and labels that Prometheus itself adds to each scrape."""
NAMES = re.compile(r"\b(ratchet_[a-z_]+|up)\b(\{[^}]*\})?")
GROUPINGS = re.compile(r"\bby \(([^)]*)\)")


def rules() -> list[dict[str, Any]]:
    """Every alert rule."""
    document = yaml.safe_load((FOLDER / "alert_rules.yaml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    """Every expression of the rules and of the board, and the query of the board's list of classifiers."""
    board = json.loads((FOLDER / "grafana_board.json").read_text())
    drawn = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked = [each["query"] for each in board["templating"]["list"] if each["type"] == "query"]
    return [rule["expr"] for rule in rules()] + drawn + asked


def find_faults(expression: str, known: dict[str, set[str]]) -> list[str]:
    """Metrics and labels of an expression that are not among `known`."""
    faults, labels = [], {"instance", "le"}
    for metric, matchers in NAMES.findall(expression):
        if metric not in known:
            faults.append(f"no metric {metric}")
            continue
        labels |= known[metric]
        asked = set(re.findall(r"(\w+)\s*(?:=|!)", matchers)) - known[metric] - {"instance"}
        faults += [f"{metric} has no label {label}" for label in sorted(asked)]
    grouped = [label.strip() for group in GROUPINGS.findall(expression) for label in group.split(",")]
    return faults + [f"no label {label} to group by" for label in grouped if label not in labels]


@pytest.fixture
def known(serve: Callable[..., TestClient], home: Home, enter: Callable[..., None]) -> dict[str, set[str]]:
    """Every sample of `/metrics` of a gateway that answered, with its labels; what needs trouble is counted by hand."""
    stages = [StageResult("row_quality", "blocked", 1.0, "Fails: 9 rows have no text.")]
    Reports(home).record(Cycle("small", parse_week("2026-01-05")), stages, "run-1", now=datetime.now(UTC))
    write_tick(home, {"at": datetime.now(UTC).isoformat(), "waiting": {"ops": 2}})
    client = serve()
    client.post("/v1/classifiers/small", json={"text": "where is the parcel"})
    metrics = client.app.state.gateway.metrics  # type: ignore[attr-defined] # Starlette's client knows only ASGI
    metrics.log_failures.labels("small").inc()
    metrics.fallbacks.labels("small", "timeout").inc()
    metrics.edge_faults.labels("small", "live").inc()
    metrics.shadow_dropped.labels("small").inc()
    metrics.shadow_pairs.labels("small", "same").inc()
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    found["ratchet_guardrail_value"] = set(metrics.guardrail._labelnames)  # of a rollout only
    return {**found, **OF_PROMETHEUS}


@pytest.mark.slow
def test_rules_and_board_name_metrics_and_labels_that_exist(known: dict[str, set[str]]) -> None:
    """Against `/metrics` of a real gateway."""
    assert [f"{each}: {fault}" for each in expressions() for fault in find_faults(each, known)] == []
    assert known["ratchet_last_cycle_status"] == {"classifier"}


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("ratchet_gone > 0", "no metric ratchet_gone"),
        ('ratchet_requests_total{slots="live"}', "ratchet_requests_total has no label slots"),
        ("sum by (classifier, place) (ratchet_requests_total)", "no label place to group by"),
    ],
)
def test_a_planted_fault_is_found(expression: str, fault: str) -> None:
    """A metric, a label and a grouping that no gateway has."""
    assert find_faults(expression, {"ratchet_requests_total": {"classifier", "slot", "code"}}) == [fault]


def test_the_board_is_one_that_grafana_takes() -> None:
    """Unique ids, panels within the grid that do not overlap, each with a title and a target."""
    panels = json.loads((FOLDER / "grafana_board.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = set()
    for panel in panels:
        place = panel["gridPos"]
        assert panel["title"]
        assert panel["type"] == "row" or panel["targets"]
        assert place["x"] + place["w"] <= 24
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not own & cells
        cells |= own


def test_every_event_and_every_rule_has_its_runbook_and_every_command_exists() -> None:
    """A section for each, no section for nothing, and commands as the help lists them."""
    text = (ROOT / "docs" / f"{RUNBOOKS}.md").read_text()
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    named = {rule["annotations"]["runbook_url"].partition("#")[2] for rule in rules()}
    assert set(sections) == {*EVENTS, *named}
    assert len(sections) == len(set(sections))
    assert all(f"/manual/{RUNBOOKS}/#" in rule["annotations"]["runbook_url"] for rule in rules())
    commands = {command.name for group in GROUPS.values() for command in group}
    assert set(re.findall(r"`ratchet ([a-z-]+)", text)) <= commands


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: apt install prometheus)"
)
def test_promtool_accepts_the_rules_and_passes_their_tests() -> None:
    """`promtool check rules` and `promtool test rules`, with the Prometheus of this machine."""
    for command in (["check", "rules", "alert_rules.yaml"], ["test", "rules", "alert_rules_test.yaml"]):
        done = subprocess.run(["promtool", *command], cwd=FOLDER, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_seen_firing_by_the_unit_tests() -> None:
    """`alert_rules_test.yaml` expects each of them in some trouble."""
    tested = (FOLDER / "alert_rules_test.yaml").read_text()
    assert [rule["alert"] for rule in rules() if f'alertname="{rule["alert"]}"' not in tested] == []
