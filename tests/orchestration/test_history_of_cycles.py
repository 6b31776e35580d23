"""History of real cycles: what a week that ran leaves behind for the pages that show weeks side by side."""

from datetime import UTC, datetime

import pytest

from ratchet.core.cycle import Cycle, parse_week
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports
from ratchet.workflows.history.history import load_history

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("rollouts")]
NEEDED = (
    "test_macro_f1", "golden_macro_f1", "test_ece", "test_nll", "baseline_majority", "agreement", "agreement_limit",
    "alpha",
    "label_drift", "label_drift_limit", "mean_confidence", "below_threshold", "requests", "corrections", "seconds",
    "cost",
    "cost_per_1000", "price_per_hour",
)  # fmt: skip


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
