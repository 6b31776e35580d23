"""What a bad week does to a cycle: the right check stops it, says why, and no adapter is made."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from ratchet.gates.registry import MODEL_GATES
from ratchet.ingest.rebuild import rebuild_warehouse
from ratchet.storage.warehouse import Warehouse
from ratchet.testing.homes import SmallClassifier, WeekFault

pytestmark = pytest.mark.slow

Rows = list[dict[str, Any]]


def labels_wrong_by_one(logs: Rows, corrections: Rows) -> None:
    """One annotator gives every third request another label."""
    for row in corrections[1::6]:
        row["label"] = "violet" if row["label"] != "violet" else "amber"


def class_never_corrected(logs: Rows, corrections: Rows) -> None:
    """Nobody corrects a green request."""
    corrections[:] = [row for row in corrections if row["label"] != "green"]


def confidence_mostly_missing(logs: Rows, corrections: Rows) -> None:
    """Half of the requests were logged without a confidence."""
    for row in logs[::2]:
        row["confidence"] = None


def mix_turned_over(logs: Rows, corrections: Rows) -> None:
    """The last fifth of the week, its test split, is about one thing only; training saw the two others."""
    cut = int(len(logs) * 0.6)
    for row in corrections[: 2 * cut]:
        if row["label"] == "violet" and int(row["request_id"][-4:]) % 9 != 2:
            row["label"] = "amber"
    for row in corrections[2 * cut :]:
        row["label"] = "violet"


@pytest.mark.parametrize(
    ("fault", "check", "says"),
    [
        (labels_wrong_by_one, "label_agreement", "agree on 66.7% of 90"),
        (
            confidence_mostly_missing,
            "row_quality",
            "production_logs.confidence expect_column_values_to_not_be_null: 45 of 90",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_bad_week_is_blocked_and_no_adapter_is_made(
    fault: WeekFault,
    check: str,
    says: str,
    small: SmallClassifier,
    instance: dg.DagsterInstance,
    run_cycle: Callable[..., dg.ExecuteInProcessResult],
) -> None:
    """The check fails with its reason, `adapter` is not materialised, and run_results.json tells the same story."""
    small.write_week(date(2026, 1, 5), fault)
    result = run_cycle()
    assert not result.success
    failed = {found.check_name: found.description for found in result.get_asset_check_evaluations() if not found.passed}
    assert list(failed) == [check]
    assert says in str(failed[check])
    assert str(failed[check]).startswith("Week 2026-01-05: ")  # an old week run again never looks like the newest
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert {key: run.tags.get(f"ratchet/{key}") for key in ("verdict", "gate")} == {"verdict": "blocked", "gate": check}
    assert not [
        event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey("adapter")
    ]
    assert stage_statuses(small)[check] == "blocked"
    assert stage_statuses(small)["adapter"] == "skipped"


def test_a_missing_class_is_an_error_that_names_it(
    small: SmallClassifier, run_cycle: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    """A class with no corrections never reaches training."""
    small.write_week(date(2026, 1, 5), class_never_corrected)
    assert not run_cycle().success
    stages = stages_of(small)
    assert stages["training_set"]["status"] == "error"
    assert "too few training examples: {'green': 0}" in stages["training_set"]["message"]
    assert stages["adapter"]["status"] == "skipped"


@dataclass(frozen=True)
class LeakyWarehouse(Warehouse):
    """A warehouse with a planted fault: it slips a copy of a test example into train."""

    def replace_weeks(self, table: str, classifier: str, frames: Mapping[date, pd.DataFrame]) -> None:
        """As the real one, but for `examples`."""
        if table == "examples":
            frames = {week: self._leak(frame) for week, frame in frames.items()}
        super().replace_weeks(table, classifier, frames)

    def _leak(self, frame: pd.DataFrame) -> pd.DataFrame:
        copy = frame[frame["split"] == "test"].iloc[[0]].assign(split="train", request_id="leaked")
        return pd.concat([frame, copy])


def test_a_leaked_week_never_materialises_adapter(
    small: SmallClassifier, run_cycle: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    """Should curation ever let a held-out text through, the independent re-check names it and stops the cycle.

    The mix of labels has moved as well, which warns and stops nothing.
    """
    small.write_week(date(2026, 1, 5), mix_turned_over)
    result = run_cycle(warehouse=LeakyWarehouse(small.home.warehouse("small"), restore=rebuild_warehouse))
    failed = {found.check_name: found for found in result.get_asset_check_evaluations() if not found.passed}
    assert {name: found.severity.value for name, found in failed.items()} == {
        "label_distribution": "WARN",
        "leakage": "ERROR",
    }
    assert "leaked ~ 2026-01-05-" in str(failed["leakage"].description)
    says = "Week 2026-01-05: Warns: the mix has moved: violet from "
    assert str(failed["label_distribution"].description).startswith(says)
    assert stage_statuses(small)["label_distribution"] == "pass"
    assert not [
        event for event in result.get_asset_materialization_events() if event.asset_key == dg.AssetKey("adapter")
    ]


def labels_that_mean_nothing(logs: Rows, corrections: Rows) -> None:
    """Both annotators agree on labels that have nothing to do with the texts."""
    draw = random.Random(5)  # noqa: S311 - test data, guards nothing
    label = {row["request_id"]: draw.choice(("amber", "green", "violet")) for row in logs}
    for row in corrections:
        row["label"] = label[row["request_id"]]


@pytest.mark.faults
@pytest.mark.filterwarnings("ignore:.*(run_id is deprecated|is currently in preview)")
def test_a_useless_model_is_blocked_with_a_report(
    small: SmallClassifier, run_cycle: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    """No stage ends with an error: the gates of the model say why, and the report holds its figures."""
    small.write_week(date(2026, 1, 5), labels_that_mean_nothing)
    assert not run_cycle().success
    statuses = stage_statuses(small)
    assert "error" not in statuses.values()
    assert {stage for stage, status in statuses.items() if status == "blocked"} <= set(MODEL_GATES)
    assert statuses["golden_set_regression"] == "blocked"
    report = json.loads((small.home.reports(small.name) / "2026-01-05" / "eval_report.json").read_text())
    assert report["verdict"]["word"] == "blocked"


def test_a_week_without_logs_says_which_weeks_there_are(
    small: SmallClassifier, run_cycle: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    """Before the first request the first stage fails with a sentence that holds the range found."""
    small.write_week(date(2026, 1, 5))
    assert not run_cycle(date(2025, 12, 29)).success
    results = json.loads((small.home.reports(small.name) / "2025-12-29" / "run_results.json").read_text())
    first = results["results"][0]
    assert (first["unique_id"], first["status"]) == ("production_logs", "error")
    assert (
        "no production log of small in the week of 2025-12-29. hint: Weeks with logs: 2026-01-05 to 2026-01-05."
        in first["message"]
    )


def stages_of(small: SmallClassifier) -> dict[str, dict[str, Any]]:
    """run_results.json of the first week, by stage."""
    path = small.home.reports(small.name) / "2026-01-05" / "run_results.json"
    return {row["unique_id"]: row for row in json.loads(path.read_text())["results"]}


def stage_statuses(small: SmallClassifier) -> dict[str, str]:
    """The status of each stage."""
    return {name: row["status"] for name, row in stages_of(small).items()}
