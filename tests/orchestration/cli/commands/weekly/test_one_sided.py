"""Labels of errors alone are named where they come in, before a cycle, and in its report."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from ratchet.core.cycle import Cycle
from ratchet.storage.home import Home
from ratchet.storage.reports import Reports
from ratchet.testing.homes import SmallClassifier
from ratchet.testing.report_example import make_example

WEEK = date(2026, 1, 5)


def test_labels_of_errors_alone_are_said_at_intake_and_in_the_plan(
    small: SmallClassifier, run_here: Callable[..., Any]
) -> None:
    """Once, as a remark: in words and in JSON; a second intake of nothing repeats nothing."""

    def only_errors(logs: list[dict[str, Any]], corrections: list[dict[str, Any]]) -> None:
        label = {row["request_id"]: row["label"] for row in corrections}
        for number, row in enumerate(logs):
            right = label[row["request_id"]]
            row["label"] = right if number < 3 else {"amber": "green", "green": "violet", "violet": "amber"}[right]

    small.write_week(WEEK, only_errors)
    words = (
        f"labelled requests are not like the others: 3 of 90 blind labels of the week {WEEK} confirm what was served"
    )
    taken = run_here("--home", small.home.root, "ingest", "small", "--json")
    assert taken.returncode == 0, taken.stderr
    assert [remark.startswith(words) for remark in json.loads(taken.stdout)["remarks"]] == [True]
    again = run_here("--home", small.home.root, "ingest", "small")
    assert "not like the others" not in again.stdout + again.stderr
    plan = run_here("--home", small.home.root, "cycle", "small", "--week", WEEK, "--plan")
    assert f"remark: {words}" in plan.stdout
    assert "With 0 labels a week a candidate that is 2 points better" in plan.stdout  # such labels decide nothing


def test_labels_of_errors_alone_are_said_in_the_report(home: Path, run_here: Callable[..., Any]) -> None:
    """On the page and on the terminal; a report of an earlier version has no such key."""
    document = make_example()
    for selection, shown in (("", False), ("labelled requests are not like the others: 3 of 90", True)):
        document["data"]["labels"] = {**document["data"]["labels"], "selection": selection}
        page = Reports(Home(home)).write(Cycle("tickets", WEEK), document).read_text()
        said = run_here("--home", home, "report", "tickets", "--week", WEEK)
        assert said.returncode == 0, said.stderr
        assert [text.count("not like the others: 3 of 90.") for text in (page, said.stdout)] == [shown, shown]
