"""`ratchet report` of documents that no quick cycle makes."""

from datetime import date
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports
from ratchet.testing.report_example import make_example


def test_a_written_confidence_that_was_not_measured_says_why(call: Any, home: Path) -> None:
    """As the page does; and a price that nobody wrote down is said to be assumed on both."""
    document = make_example()
    document["three_way"]["verbalised"] = {
        "n": 0,
        "question": "Confidence from 0 to 9:",
        "reason": "no digits \x1b[31m.",
    }
    page = Reports(Home(home)).write(Cycle("tickets", date(2026, 1, 5)), document).read_text()
    assert "which is assumed: set yours in" in page
    said = call("--home", home, "report", "tickets", "--week", "2026-01-05")
    assert said.code == 0, said.err
    assert "The model's written confidence was not measured: no digits ?[31m." in said.out
    assert "the hourly price of this machine is assumed" in said.out
