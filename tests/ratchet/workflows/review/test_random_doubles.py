"""Only requests that the queue drew for a second label, or that no queue asked for, measure how far people agree."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ratchet.config.review import ReviewPolicy
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle, parse_week
from ratchet.ingest.rebuild import open_warehouse
from ratchet.review.draw import DOUBLE, is_drawn
from ratchet.storage.home import Home
from ratchet.storage.keys.request_id_secret import keep_secret
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.review.random_doubles import name_differing, read_random_doubles

WEEK = parse_week("2026-03-02")
Votes = list[tuple[str, str, str, str | None, bool | None]]
"""Request, person, label, record of the choice, and whether the answer was asked for by chance."""


def make_home(folder: Path, votes: Votes) -> tuple[Home, Warehouse]:
    """A home whose newest cycle kept these votes."""
    home = Home(folder)
    warehouse = open_warehouse(home, "t")
    with warehouse.connect() as connection:
        connection.executemany(
            "INSERT INTO votes (classifier, week, request_id, annotator, ts, label, saw_prediction, chosen, drawn)"
            " VALUES ('t', ?, ?, ?, ?, ?, false, ?, ?)",
            [
                [WEEK, request, who, datetime(2026, 3, 3, tzinfo=UTC), label, chosen, drawn]
                for request, who, label, chosen, drawn in votes
            ],
        )
    return home, warehouse


def spec_with(review: ReviewPolicy) -> Spec:
    """A specification of two labels."""
    return Spec("t", (Label("a"), Label("b")), review=review)


@pytest.mark.parametrize("votes", [1, 2])
def test_a_second_label_counts_where_it_was_drawn(tmp_path: Path, votes: int) -> None:
    """Of twenty drawn requests with two labels those of the draw `double`; all where each needs two votes anyway. Not a
    second label that was asked for by value; always one that no queue asked for."""
    drawn = [f"d{i}" for i in range(20)]
    rows: Votes = [(request, who, "a", "random", True) for request in drawn for who in ("ann", "bob")]
    rows += [(f"v{i}", "ann", "a", "random", True) for i in range(9)]
    rows += [(f"v{i}", "bob", "b", "value", False) for i in range(9)]
    rows += [("file", who, "a", None, None) for who in ("ann", "bob")]
    home, warehouse = make_home(tmp_path, rows)
    spec = spec_with(ReviewPolicy(double_share=0.5, evidence_votes=votes))
    found = set(read_random_doubles(home, spec, warehouse, Cycle("t", WEEK))["request_id"])
    key = keep_secret(home.secret)
    doubled = {request for request in drawn if votes > 1 or is_drawn(key, DOUBLE, request, 0.5)}
    assert found == {"file", *doubled}
    assert 2 < len(doubled) < 18 or votes > 1


def test_who_differs_is_named_beside_the_receipt(tmp_path: Path) -> None:
    """The person with the figures, of the week in which it shows."""
    others = [("ann", "bob"), ("ann", "cyd"), ("bob", "cyd")]
    rows: Votes = [(f"r{i}", who, "a", None, None) for i in range(45) for who in others[i % 3]]
    rows = [(request, who, "b" if who == "cyd" else label, *rest) for request, who, label, *rest in rows]
    home, warehouse = make_home(tmp_path, rows)
    spec = spec_with(ReviewPolicy())
    found = name_differing(read_random_doubles(home, spec, warehouse, Cycle("t", WEEK)), spec)
    assert [(each["week"], each["person"], each["agreed"], each["n"]) for each in found] == [(str(WEEK), "cyd", 0, 30)]
