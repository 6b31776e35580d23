"""Traffic of a week, measured in a real warehouse of two small weeks."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.cycle import Cycle
from ratchet.evaluation.week_traffic import describe_traffic, drift_figures
from ratchet.ingest.landing import Landing
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.specs import Specs
from ratchet.testing.homes import SmallClassifier
from ratchet.workflows.week_traffic import measure_traffic

WEEK = date(2026, 1, 12)
SETTINGS = "[machine]\nprice_per_hour = 0.4\n"


def without_confidence(logs: list[dict[str, Any]], corrections: list[dict[str, Any]]) -> None:
    """Let a service say nothing about its confidence."""
    for row in logs:
        row["confidence"] = None


def measure(home: Home, week: date = WEEK) -> dict[str, Any]:
    """Ingest what was landed and measure a week."""
    spec = Specs(home)["small"]
    warehouse = open_warehouse(home, "small")
    Landing(home, warehouse).take(spec)
    return measure_traffic(home, warehouse, spec, Cycle("small", week))


@pytest.mark.slow
def test_the_figures_are_those_of_the_rows(tmp_path: Path) -> None:
    """Requests, mean confidence and the share below the label's threshold, by hand; drift needs a week before."""
    kept: list[dict[str, Any]] = []
    small = SmallClassifier(Home(tmp_path / "home"))
    small.write(settings=SETTINGS)
    small.write_week(WEEK - timedelta(days=7))
    small.write_week(WEEK, lambda logs, corrections: kept.extend(logs))
    found = measure(small.home)
    confidences = [row["confidence"] for row in kept]
    assert found["requests"] == found["with_confidence"] == len(kept) == 90
    assert found["mean_confidence"] == pytest.approx(sum(confidences) / 90)
    assert found["below_threshold"] == pytest.approx(sum(each < 0.5 for each in confidences) / 90)
    assert 0 < found["confidence_drift"] < 1
    assert (found["price_per_hour"], found["reviewed"], found["waiting"]) == (0.4, None, None)
    assert measure(small.home, WEEK - timedelta(days=7))["confidence_drift"] is None


@pytest.mark.slow
def test_a_week_without_confidences_has_no_figure_of_them(tmp_path: Path) -> None:
    """None, and no zero: nobody knows."""
    small = SmallClassifier(Home(tmp_path / "home"))
    small.write()
    small.write_week(WEEK, without_confidence)
    found = measure(small.home)
    assert found["requests"] == 90
    assert [found[key] for key in ("mean_confidence", "below_threshold", "confidence_drift")] == [None] * 3


def test_a_week_without_requests_is_counted_as_such() -> None:
    """As one of labelled examples alone."""
    found = describe_traffic({}, "2026-01-12", "2026-01-05")
    assert (found["requests"], found["mean_confidence"], found["below_threshold"]) == (0, None, None)
    assert drift_figures({}) == {}
