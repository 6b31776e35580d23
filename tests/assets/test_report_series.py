"""Dagster plots a few series of the evaluation, and leads to the pages."""

from datetime import date
from pathlib import Path

import pytest

from assets.page_links import links_to_pages
from assets.report_series import SERIES, series_of
from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.workflows.history.week_metrics import FIGURES

CYCLE = Cycle("small", date(2026, 1, 5))


@pytest.mark.feature(24)
def test_there_are_at_most_twelve_series_of_known_figures() -> None:
    """More of them are a wall of plots."""
    assert len(SERIES) <= 12
    assert set(SERIES.values()) <= set(FIGURES)


def test_what_was_not_measured_is_absent() -> None:
    """Not a zero, which would be drawn."""
    document = {"week": "2026-01-05", "metrics": {"test": {"macro_f1": 0.912345, "ece": None}}, "golden": {"lost": []}}
    evidence = {"label_distribution": {"distance": 0.01234567}}
    assert series_of(document, {}, evidence, {"adapter": 2.0, "training_set": 0.5}) == {
        "macro-F1, test": 0.9123,
        "golden items lost": 0,
        "divergence of labels": 0.01235,
        "seconds so far": 2.5,
    }


def test_links_lead_to_the_gateway_that_the_settings_name(tmp_path: Path) -> None:
    """Settings that cannot be read have the default address, and stop no cycle."""
    home = Home(tmp_path)
    home.settings.write_text('[addresses]\ngateway = "https://ratchet.example.com"\n')
    assert {key: found.value for key, found in links_to_pages(home, CYCLE).items()} == {
        "report page": "https://ratchet.example.com/reports/small/2026-01-05",
        "rollout": "https://ratchet.example.com/rollout/small",
        "review": "https://ratchet.example.com/review/small",
    }
    home.settings.write_text("[")
    assert links_to_pages(home, CYCLE)["rollout"].value == "http://127.0.0.1:8008/rollout/small"
