"""The cycle through Dagster's real webserver and daemon: launched over GraphQL, outcome read back."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier

pytestmark = pytest.mark.slow

DagsterProcesses = Callable[[Home], Any]
OUTCOME = """query Outcome($key: AssetKeyInput!) { assetOrError(assetKey: $key) { ... on Asset {
  assetMaterializations(limit: 1) { runId partition metadataEntries { label ... on TextMetadataEntry { text } } } } }
  assetNodeOrError(assetKey: $key) { ... on AssetNode { assetChecksOrError { ... on AssetChecks { checks {
    name blocking executionForLatestMaterialization { runId status evaluation { success description } } } } } } }}"""


@pytest.mark.feature(25)
def test_a_cycle_launched_in_the_ui_is_judged_and_seen_there(
    dagster_processes: DagsterProcesses, tmp_path: Path
) -> None:
    """Launch over GraphQL, wait for the run, read materialisation, verdict and check results back from Dagster."""
    small = SmallClassifier(Home(tmp_path))
    small.write()
    small.write_week(date(2026, 1, 5))
    webserver = dagster_processes(small.home)
    webserver.start("daemon", "webserver")
    run = webserver.launch("weekly_cycle", "small|2026-01-05")
    assert webserver.end_of(run) == "SUCCESS"

    outcome = webserver.ask(OUTCOME, key={"path": ["eval_report"]})
    (materialised,) = outcome["assetOrError"]["assetMaterializations"]
    assert (materialised["runId"], materialised["partition"]) == (run, "small|2026-01-05")
    texts = {entry["label"]: entry.get("text") for entry in materialised["metadataEntries"]}
    assert str(texts["verdict"]).startswith("Passed every gate. It is the first candidate")
    checks = {check["name"]: check for check in outcome["assetNodeOrError"]["assetChecksOrError"]["checks"]}
    open_verdicts = {  # nothing is live yet, and the test is small: a warning, which blocks nothing
        "beats_baselines": "No verdict: test macro-F1",
        "calibration_regression": "No verdict: no live adapter",
        "slices": "No verdict: no live adapter",
        "trigger_scan": "No verdict: no request is older",
    }
    assert set(checks) == {"golden_agreement", "golden_set_regression", *open_verdicts}
    for name, check in checks.items():
        found = check["executionForLatestMaterialization"]
        status, word = ("FAILED" if name in open_verdicts else "SUCCEEDED"), open_verdicts.get(name, "Passes: ")
        assert (check["blocking"], found["runId"], found["status"]) == (True, run, status), name
        assert found["evaluation"]["description"].startswith(f"Week 2026-01-05: {word}"), name
