"""History of real cycles: what a week that ran leaves behind for the pages that show weeks side by side."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.history.history import load_history

pytestmark = pytest.mark.slow
WEEK = date(2026, 1, 5)
NEEDED = (
    "test_macro_f1", "golden_macro_f1", "test_ece", "test_nll", "baseline_majority", "agreement", "agreement_limit",
    "alpha",
    "label_drift", "label_drift_limit", "mean_confidence", "below_threshold", "requests", "corrections", "seconds",
    "cost",
    "cost_per_1000", "price_per_hour",
)  # fmt: skip


def labels_wrong_by_one(logs: list[dict[str, Any]], corrections: list[dict[str, Any]]) -> None:
    """One annotator gives every third request another label."""
    for row in corrections[1::6]:
        row["label"] = "violet" if row["label"] != "violet" else "amber"


def test_a_week_that_its_labels_blocked_has_the_figures_of_its_data(
    small: SmallClassifier, run_cycle: Callable[..., dg.ExecuteInProcessResult]
) -> None:
    """Requests, confidences, agreement with its limit, seconds and their cost; no figure of a model."""
    small.write_week(WEEK, labels_wrong_by_one)
    assert not run_cycle(WEEK).success
    document = load_history(small.home, small.name, datetime.now(UTC))
    (row,), metrics = document["weeks"], document["weeks"][0]["metrics"]
    assert (row["verdict"], row["gate"], row["marks"]) == ("blocked", "label_agreement", ["blocked"])
    assert row["reason"].startswith("annotators agree on 66.7% of 90")
    assert (metrics["requests"], metrics["corrections"], metrics["agreement_limit"]) == (90, 180, 0.9)
    assert metrics["agreement"] == pytest.approx(2 / 3)
    assert not [name for name in ("mean_confidence", "below_threshold", "seconds", "cost") if metrics[name] is None]
    assert metrics["test_macro_f1"] is None
    assert document["sentence"] == "Nothing was promoted in 1 week: 1 blocked by label_agreement."


@pytest.mark.xdist_group("rollouts")
def test_a_cycle_writes_every_figure_that_the_history_shows(passed: Home) -> None:
    """Also the requests, confidences and costs, which no later reader could ask the warehouse for."""
    first, second = load_history(passed, "small", datetime.now(UTC))["weeks"]
    for row in (first, second):
        assert not [name for name in NEEDED if row["metrics"][name] is None], row
        assert (row["verdict"], row["metrics"]["requests"], row["metrics"]["corrections"]) == ("passed", 90, 180)
    assert first["marks"] == ["promoted"]
    assert first["metrics"]["confidence_drift"] is None
    assert second["metrics"]["confidence_drift"] > 0
    assert second["metrics"]["live_test_macro_f1"] is not None
    report = Reports(passed).read(Cycle("small", parse_week(second["week"])))
    assert report["traffic"]["requests"] == 90
    assert report["drift"]["labels"]["distance"] == second["metrics"]["label_drift"]
