"""A rollout across a change of labels: live and candidate are compared by what both can say."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from ratchet.data.label_rules import MERGE, RENAME, RETIRE, SPLIT, LabelRule, LabelRules
from ratchet.ingest.one_sided_weeks import read_selections
from ratchet.rollout.evidence.counts import Evidence
from ratchet.storage.home import Home
from ratchet.storage.rollout.shadow_pairs import Pairs
from ratchet.storage.warehouse import Warehouse
from ratchet.testing.homes import write_pairs

WEEK, LIVE, NEW = date(2026, 3, 2), "a" * 64, "b" * 64
RULED = datetime(2026, 3, 4, tzinfo=UTC)
Rows = list[tuple[str, str, str, str]]
"""Vote, day of the vote, answer of live, answer of the candidate; a vote `-` is none."""

CASES: dict[str, tuple[LabelRule, str, str, Rows, tuple[int, int, int, int, int]]] = {
    # rule, labels of live and of the candidate, rows; disagreements, renamed, labelled, only live right, only candidate
    "a rename is no disagreement": (
        LabelRule(RENAME, ("old",), ("new",), RULED), "old d", "new d",
        [("old", "3", "old", "new"), ("new", "5", "old", "new"), ("old", "5", "d", "new"), ("d", "3", "old", "d")],
        (2, 2, 4, 0, 2),
    ),
    "a merge": (
        LabelRule(MERGE, ("a", "b"), ("b",), RULED), "a b d", "b d",
        [("a", "3", "a", "b"), ("b", "3", "a", "b"), ("b", "3", "b", "b"), ("a", "3", "d", "b"), ("d", "3", "d", "b")],
        (2, 2, 5, 1, 1),
    ),
    "parts of a split are no difference, and rows of before have no label": (
        LabelRule(SPLIT, ("a",), ("a", "b"), RULED), "a d", "a b d",
        [("a", "3", "a", "b"), ("b", "5", "a", "b"), ("b", "5", "a", "a"), ("b", "5", "a", "d"), ("b", "5", "d", "b"),
         ("d", "5", "a", "b"), ("d", "3", "a", "d")],
        (3, 3, 6, 1, 2),
    ),
    "a retired label is compared with nothing": (
        LabelRule(RETIRE, ("a",), (), RULED), "a d", "d e",
        [("a", "3", "a", "d"), ("d", "3", "a", "d"), ("d", "5", "d", "e")],
        (1, 0, 2, 1, 1),
    ),
}  # fmt: skip


def count(folder: Path, rule: LabelRule, live: str, candidate: str, rows: Rows) -> tuple[Evidence, Warehouse]:
    """The evidence on a home with these rows."""
    home, rules = Home(folder), LabelRules((rule,))
    logs, votes = [], []
    for number, (vote, day, served, _) in enumerate(rows):
        at = datetime(2026, 3, int(day), 12, tzinfo=UTC)
        logs.append(("small", f"r{number}", at - timedelta(days=1), "text", served, WEEK))
        votes.append(("small", f"r{number}", at, vote, "ann", False, WEEK))
    write_pairs(home, "small", (LIVE, NEW), 1, [(f"r{n}", row[2], row[3]) for n, row in enumerate(rows)])
    home.warehouse("small").parent.mkdir(exist_ok=True)
    warehouse = Warehouse(home.warehouse("small"), label_images=lambda: [*rules.images()])
    columns = ["classifier", "request_id", "ts"]
    with warehouse.connect() as connection:
        connection.register("logs", pd.DataFrame(logs, columns=[*columns, "text", "label", "week"]))
        connection.execute("INSERT INTO production_logs BY NAME SELECT * FROM logs")
        connection.register(
            "votes_now", pd.DataFrame(votes, columns=[*columns, "label", "annotator", "saw_prediction", "week"])
        )
        connection.execute("INSERT INTO corrections BY NAME SELECT * FROM votes_now")
    labels = {LIVE: live.split(), NEW: candidate.split()}
    pairs = Pairs(
        home, warehouse, lambda _, digest: {k: v.parts for k, v in rules.read_adapter(labels[digest]).items()}
    )
    return pairs.count("small", (LIVE, NEW), 1)[0], warehouse


@pytest.mark.parametrize("case", CASES)
def test_answers_are_compared_by_what_they_mean_now(tmp_path: Path, case: str) -> None:
    """Disagreements, answers that differ by name alone, labelled requests, and those that one side alone got right."""
    rule, live, candidate, rows, expected = CASES[case]
    found, warehouse = count(tmp_path, rule, live, candidate, rows)
    counts = (found.disagreements, found.renamed, found.labelled, found.only_incumbent, found.only_challenger)
    assert counts == expected
    served = sum(vote == answer for vote, _, answer, _ in rows)
    (selection,) = read_selections(warehouse, "small")
    assert selection.confirming >= served  # what was served is read by the rules as well


def test_an_answer_after_the_split_takes_the_place_of_those_before(tmp_path: Path) -> None:
    """Nobody's old vote stands against it; without one the old votes keep the request from having a label."""
    rule = LabelRule(SPLIT, ("a",), ("a", "b"), RULED)
    _, warehouse = count(tmp_path, rule, "a", "a b", [("a", "3", "a", "a"), ("a", "3", "a", "a")])
    sql = "SELECT request_id, label FROM attributed_corrections ORDER BY ALL"
    with warehouse.connect() as connection:
        assert connection.execute(sql).fetchall() == [("r0", "a (split)"), ("r1", "a (split)")]
        connection.execute(
            "INSERT INTO corrections (classifier, request_id, ts, label, annotator, saw_prediction, week) VALUES"
            " ('small', 'r0', TIMESTAMPTZ '2026-03-05T00:00:00Z', 'a', 'bob', false, DATE '2026-03-02'),"
            " ('small', 'r1', TIMESTAMPTZ '2026-03-03T15:00:00Z', 'a', 'bob', false, DATE '2026-03-02')"
        )
        assert connection.execute(sql).fetchall() == [("r0", "a"), ("r1", "a (split)"), ("r1", "a (split)")]
