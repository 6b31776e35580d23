"""Labels that were given to errors alone are left out of a rollout's evidence, and its pace is that of the others."""

import unicodedata
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from ratchet.ingest.one_sided_weeks import describe_one_sided
from ratchet.ingest.rebuild import open_warehouse
from ratchet.rollout.evidence.counts import Evidence
from ratchet.storage.home import Home
from ratchet.storage.rollout.shadow_pairs import Pairs
from ratchet.storage.warehouse import Warehouse
from ratchet.testing.homes import write_pairs

FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 9)
EARLIER = [date(2026, 2, day) for day in (9, 16, 23)]
LIVE, NEW = "a" * 64, "b" * 64
SERVED = "gr\u00fcn"
"""Live's answer; its adapter is of before, and has the same label in another Unicode form."""
Week = tuple[date, int, int]
"""Monday, blind labels, and how many of them confirm what was served; the candidate is right on all of them."""

CASES: dict[str, tuple[list[Week], tuple[int, int, int, int], int]] = {
    "all like the others": ([(FIRST, 40, 30)], (40, 10, 0, 0), 0),
    "errors alone": ([(FIRST, 140, 2)], (0, 0, 140, 2), 1),
    "a tenth confirms": ([(FIRST, 40, 4)], (40, 36, 0, 0), 0),
    "too few to tell": ([(FIRST, 9, 0)], (9, 9, 0, 0), 0),
    "errors alone beside a good week": ([(FIRST, 60, 1), (SECOND, 50, 40)], (50, 10, 60, 1), 1),
    "errors that trickle in": ([(FIRST, 20, 0), (SECOND, 20, 1)], (0, 0, 40, 1), 2),
    "small weeks of errors beside an honest one": (
        [*((week, 29, 0) for week in EARLIER), (FIRST, 60, 60)],
        (60, 0, 87, 0),
        3,
    ),
    "one of them": ([(EARLIER[0], 29, 0), (FIRST, 60, 60)], (60, 0, 29, 0), 1),
    "tiny ones beside honest ones of every size": (
        [*((week, 9, 0) for week in EARLIER), (FIRST, 9, 8), (SECOND, 60, 60)],
        (69, 1, 27, 0),
        1,
    ),
    "a few labels of errors in each of two weeks": ([(FIRST, 8, 0), (SECOND, 8, 0)], (0, 0, 16, 0), 1),
}
NAMES = "abcdefghij"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the requests, labels and pairs of every case, each as a classifier of its own."""
    home = Home(tmp_path_factory.mktemp("home"))
    logs, corrections = [], []
    for name, (weeks, _, _) in zip(NAMES, CASES.values(), strict=True):
        pairs = []
        for week, blind, confirming in weeks:
            start = datetime(week.year, week.month, week.day, tzinfo=UTC)
            for number in range(blind):
                request, at = f"{week}-{number}", start + timedelta(minutes=number)
                label = SERVED if number < confirming else "amber"
                logs.append((name, request, at, "text", SERVED, week))
                corrections.append((name, request, at, label, "ann", False, week, "random" if number % 2 else None))
                if name == "a":  # somebody who takes every label back
                    corrections.append((name, request, at, label, "bob", False, week, None))
                    corrections.append((name, request, at + timedelta(hours=1), None, "bob", False, week, None))
                pairs.append((request, unicodedata.normalize("NFD", SERVED), label))
            for number in range(50):  # what the review queue chose for its value counts in none of it
                request, at = f"{week}-value-{number}", start + timedelta(minutes=number)
                logs.append((name, request, at, "text", SERVED, week))
                corrections.append((name, request, at, "amber", "cem", False, week, "value"))
                pairs.append((request, SERVED, "amber"))
        write_pairs(home, name, (LIVE, NEW), 1, pairs)
    columns = ("classifier", "request_id", "ts", "text", "label", "week")
    served = pd.DataFrame(logs, columns=columns)
    given = pd.DataFrame(corrections, columns=[*columns[:3], "label", "annotator", "saw_prediction", "week", "chosen"])
    with open_warehouse(home, "a").connect() as connection:
        for table, rows in (("production_logs", served), ("corrections", given)):
            connection.register("rows", rows)
            connection.execute(f"INSERT INTO {table} BY NAME SELECT * FROM rows")
    return home


@pytest.mark.parametrize(("name", "case"), [*zip(NAMES, CASES, strict=True)])
def test_labels_of_errors_alone_are_left_out_and_said(home: Home, name: str, case: str) -> None:
    """Labelled, won by the candidate, left out, and of those confirming; a week that is one-sided is named."""
    _, counts, named = CASES[case]
    warehouse = Warehouse(home.warehouse("a"))
    (found,) = Pairs(home, warehouse).count(name, (LIVE, NEW), 1, now=datetime(2026, 3, 12, tzinfo=UTC))
    assert (found.labelled, found.only_challenger, found.one_sided, found.confirming) == counts
    assert found.people == (1 if counts[0] else 0)
    said = describe_one_sided(warehouse, name)
    assert len(said) == named
    assert all(words.startswith("labelled requests are not like the others: ") for words in said)


def test_the_pace_is_that_of_labels_which_count(home: Home) -> None:
    """Fifty labels of the second week in the ten days since the first request; none of errors alone, none of before."""
    warehouse, now = Warehouse(home.warehouse("a")), datetime(2026, 3, 12, tzinfo=UTC)

    def pace(now: datetime) -> float | None:
        found: Evidence = Pairs(home, warehouse).count("e", (LIVE, NEW), 1, now=now)[0]
        return found.daily_labels

    assert pace(now) == pytest.approx(5.0, rel=0.01)
    assert pace(now + timedelta(days=60)) is None
