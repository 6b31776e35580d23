"""Dagster plots one or two numbers of every check, and shows its evidence as rows."""

import math

import pytest

from assets.metadata import as_evidence, rounded
from checks.evidence_figures import FIGURES, figures_of
from ratchet.gates.registry import GATES


def test_every_check_has_one_or_two_figures() -> None:
    """A new check without any would have an empty plot."""
    assert set(FIGURES) == set(GATES)
    assert all(1 <= len(keys) <= 2 for keys in FIGURES.values())


def test_figures_are_numbers_and_what_was_not_measured_is_absent() -> None:
    """A list counts by its length, floats have four digits."""
    assert figures_of("label_agreement", {"agreement": 0.87654321, "doubles": 40}) == {
        "agreement": 0.8765,
        "doubles": 40,
    }
    assert figures_of("golden_set_regression", {"lost": ["a", "b"], "n": None}) == {"lost": 2}
    assert [rounded(each) for each in (math.nan, math.inf, True, "0.5", None, 3)] == [None] * 5 + [3]


@pytest.mark.feature(24)
def test_evidence_is_rows_and_never_a_printed_mapping() -> None:
    """However deep a value lies, it has a row with its whole name."""
    found = as_evidence({"recall": {"amber": 0.5}, "lost": [{"item": "g1", "of": ["a", "b"]}], "interval": [0.1, 0.25]})
    assert [record.data for record in found.records] == [
        {"name": "recall amber", "value": "0.5"},
        {"name": "lost 1 item", "value": "g1"},
        {"name": "lost 1 of", "value": "a, b"},
        {"name": "interval", "value": "0.1, 0.25"},
    ]
