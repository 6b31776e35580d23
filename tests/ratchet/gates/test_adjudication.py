"""A decided request, annotators measured against it, and labels that are left out: by rule and in the warehouse."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ratchet.core.cycle import Cycle
from ratchet.core.verdict import Verdict
from ratchet.data.consensus import CONSENSUS_SQL, VOTES_SQL
from ratchet.data.judging import count_labels, describe_team, sentence_on_labels
from ratchet.gates.adjudication import Adjudicated, after_adjudication, is_under, judge_adjudications
from ratchet.ingest.rebuild import open_warehouse
from ratchet.storage.home import Home
from ratchet.storage.warehouse import Warehouse
from ratchet.workflows.gates.cycle_digests import digest_votes_from

WEEK = date(2026, 2, 23)
START = datetime(2026, 3, 2, tzinfo=UTC)
Vote = tuple[str, str | None, str | None, str | None, float]
"""Annotator, label, answer in place of one, how it was chosen, and the hour."""
BOTH: list[Vote] = [("ann", "a", None, None, 0), ("bob", "b", None, None, 1)]
ADJ = "adjudication"

CASES: dict[str, tuple[list[Vote], tuple[Any, ...] | None]] = {
    "a conflict waits": (BOTH, (None, "adjudicate", True, None)),
    "a third person decides": ([*BOTH, ("cem", "c", None, ADJ, 2)], ("c", "consensus", True, "other")),
    "against a majority": (
        [*BOTH, ("dee", "a", None, None, 1), ("cem", "b", None, ADJ, 2)], ("b", "consensus", True, "other"),
    ),
    "the newest decision stands": (
        [*BOTH, ("cem", "a", None, ADJ, 2), ("dee", "b", None, ADJ, 3)], ("b", "consensus", True, "other"),
    ),
    "no label fits": ([*BOTH, ("cem", None, "none", ADJ, 2)], None),
    "nobody can tell": ([*BOTH, ("cem", None, "cannot_tell", ADJ, 2)], None),
    "a decision taken back": (
        [*BOTH, ("cem", "a", None, ADJ, 2), ("cem", None, "withdrawn", ADJ, 3)], (None, "adjudicate", True, None),
    ),
    "one of the two decides nothing": (
        [*BOTH, ("bob", "a", None, ADJ, 48)], ("a", "consensus", True, None),
    ),
    "a vote that the queue asked for decides nothing": (
        [*BOTH, ("cem", "c", None, "random", 2)], (None, "adjudicate", True, None),
    ),
    "chosen for its value by all": (
        [("ann", "a", None, "value", 0), ("bob", "a", None, "value", 1)], ("a", "consensus", False, None),
    ),
    "decided, and chosen for its value": (
        [("ann", "a", None, "value", 0), ("bob", "b", None, "value", 1), ("cem", "b", None, ADJ, 2)],
        ("b", "consensus", False, "other"),
    ),
    "drawn as well": (
        [("ann", "a", None, "value", 0), ("bob", "a", None, "random", 1)], ("a", "consensus", True, None),
    ),
    "drawn, but not to be told": (
        [("ann", None, "cannot_tell", "random", 0), ("bob", "a", None, "value", 1)], ("a", "consensus", True, None),
    ),
    "a check counts nowhere": (
        [("ann", "a", None, "value", 0), ("bob", "b", None, "check", 1)], ("a", "consensus", False, None),
    ),
    "left out": ([("out", "a", None, None, 0)], (None, "left_out", True, None)),
    "left out beside another": (
        [("out", "a", None, None, 0), ("ann", "b", None, None, 1)], ("b", "consensus", True, None),
    ),
    "left out, then decided": (
        [("out", "a", None, "random", 0), ("cem", "b", None, ADJ, 2)], ("b", "consensus", True, "other"),
    ),
    "decided by somebody left out": ([*BOTH, ("out", "a", None, ADJ, 2)], ("a", "consensus", True, "other")),
}  # fmt: skip
ALONE: dict[str, tuple[list[Vote], tuple[Any, ...]]] = {
    "by oneself after a day": (
        [("ann", "a", None, None, 0), ("ann", "b", None, ADJ, 25)], ("b", "consensus", True, "self"),
    ),
    "by somebody who has left since": ([("bob", "a", None, None, -40 * 24)], ("a", "consensus", True, None)),
    "by oneself within a day": (
        [("ann", "a", None, None, 0), ("ann", "b", None, ADJ, 23)], ("b", "consensus", True, None),
    ),
}  # fmt: skip


def fill(warehouse: Warehouse, classifier: str, cases: dict[str, tuple[list[Vote], Any]]) -> pd.DataFrame:
    """Store the votes of each case on a request of its name, and return the labels by it."""
    rows = [
        (classifier, request, START + timedelta(hours=hour), label, who, False, WEEK, place, answer, chosen)
        for request, (votes, _) in cases.items()
        for place, (who, label, answer, chosen, hour) in enumerate(votes)
    ]
    with warehouse.connect() as connection:
        connection.executemany(
            "INSERT INTO corrections (classifier, request_id, ts, label, annotator, saw_prediction, week, arrived,"
            " answer, chosen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows,
        )  # fmt: skip
        connection.execute("INSERT INTO left_out VALUES (?, ?, 'out', 3, 40)", [classifier, WEEK])
    labels = warehouse.frame(CONSENSUS_SQL, {"classifier": classifier, "week": WEEK})
    return labels.astype(object).where(labels.notna(), None).set_index("request_id")


def test_a_decision_makes_the_label_and_a_choice_says_whether_it_judges(tmp_path: Path) -> None:
    """Every case as a request of one team, and those of somebody alone as another classifier's."""
    warehouse = open_warehouse(Home(tmp_path), "tickets")
    for name, cases in (("team", CASES), ("alone", ALONE)):
        labels = fill(warehouse, name, dict(cases))
        found = {
            request: (row.label, row.status, row.drawn, row.adjudicated)
            for request, row in zip(labels.index, labels.itertuples(), strict=True)
        }
        assert found == {request: expected for request, (_, expected) in cases.items() if expected}
    counts = count_labels(labels)
    assert (counts["adjudicated_alone"], counts["judging"], counts["only_train"]) == (1, 3, 0)
    assert "how far people agree is unknown" in describe_team({**counts, "people": 1})
    assert "(1 requests)" in describe_team({**counts, "people": 1})
    assert describe_team({**counts, "people": 2}) == ""
    assert sentence_on_labels(counts) == ""
    assert sentence_on_labels({"judging": 30, "only_train": 200}).startswith("30 labels of the week judge; 200")


def test_digests_of_votes_without_a_choice_are_those_of_before(tmp_path: Path) -> None:
    """A week that a person let through stays so after the upgrade; a choice changes the digest."""
    warehouse, cycle = open_warehouse(Home(tmp_path), "team"), Cycle("team", WEEK)
    fill(warehouse, "team", {"r": (BOTH, None)})
    before = (
        "SELECT sha256(string_agg(CAST(to_json(r) AS VARCHAR), chr(10) ORDER BY r.week, r.request_id, r.annotator))"
        " FROM (SELECT week, request_id, annotator, ts, label, saw_prediction FROM votes) r"
    )
    with warehouse.connect() as connection:
        sql = VOTES_SQL.replace("$classifier", "'team'").replace("$week", f"DATE '{WEEK}'")
        connection.execute(f"INSERT INTO votes BY NAME SELECT 'team' AS classifier, * FROM ({sql})")
        expected = connection.execute(before).fetchone()
    assert expected == (digest_votes_from(warehouse, cycle, WEEK),)
    with warehouse.connect() as connection:
        connection.execute("UPDATE votes SET chosen = 'value' WHERE annotator = 'bob'")
    assert expected != (digest_votes_from(warehouse, cycle, WEEK),)


def votes_of(alike: int, wrong: dict[str, int], decided: int | None = None) -> pd.DataFrame:
    """Requests on which ann and bob agree, and some on each of which one of them is wrong; `decided` of those are."""
    rows = [(f"r{n}", who, "a", None) for n in range(alike) for who in ("ann", "bob")]
    conflicts = [who for who, n in wrong.items() for _ in range(n)]
    for number, loser in enumerate(conflicts):
        rows += [(f"c{number}", who, "b" if who == loser else "a", None) for who in ("ann", "bob")]
        if decided is None or number < decided:
            rows.append((f"c{number}", "cem", "a", "other"))
    frame = pd.DataFrame(rows, columns=["request_id", "annotator", "label", "adjudicates"]).astype(object)
    return frame.assign(ts=START)


MEASURED: dict[str, tuple[pd.DataFrame, tuple[int, int], dict[str, tuple[int, int, bool]]]] = {
    "one is careless": (votes_of(62, {"bob": 38}), (38, 38), {"ann": (100, 100, False), "bob": (62, 100, True)}),
    "both err a little": (
        votes_of(85, {"ann": 7, "bob": 8}), (15, 15), {"ann": (93, 100, False), "bob": (92, 100, False)},
    ),
    "too few to say": (votes_of(4, {"bob": 3}), (3, 3), {"ann": (7, 7, False), "bob": (4, 7, False)}),
    "open ones measure nobody": (
        votes_of(62, {"bob": 38}, 30), (38, 30), {"ann": (92, 92, False), "bob": (62, 92, True)},
    ),
    "nothing decided": (votes_of(62, {"bob": 38}, 0), (0, 0), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", MEASURED)
def test_annotators_are_measured_against_what_is_known(case: str) -> None:
    """Known is what all say and what was decided; under the limit is who is shown to be."""
    votes, counts, people = MEASURED[case]
    found = judge_adjudications(votes, 0.9)
    assert (found.disagreements, found.decided) == counts
    assert {each.annotator: (each.right, each.measured, each.left_out) for each in found.annotators} == people


def test_a_single_label_that_was_decided_measures_its_annotator() -> None:
    """As for a week that golden_agreement blocked; a decision without a label measures nobody."""
    rows = [(f"r{n}", "ann", "a", None) for n in range(30)]
    rows += [(f"r{n}", "cem", "b" if n < 25 else None, "other") for n in range(30)]
    votes = pd.DataFrame(rows, columns=["request_id", "annotator", "label", "adjudicates"]).assign(ts=START)
    (ann,) = judge_adjudications(votes, 0.9).annotators
    assert (ann.right, ann.measured, ann.left_out) == (0, 25, True)


def test_an_honest_annotator_is_hardly_ever_left_out() -> None:
    """Who is right exactly at the limit is, in at most one team of a hundred, whatever the team's size."""
    from scipy.stats import binom

    for people in (1, 2, 6):
        for n in (20, 50, 200):
            least = next(right for right in range(n + 1) if not is_under(right, n, 0.9, people))
            assert people * float(binom.cdf(least - 1, n, 0.9)) <= 0.01


FAILED = Verdict("failed", "Fails: annotators differ.", {"limits": {"min_agreement": 0.9}})


def test_a_failed_week_passes_once_all_is_decided_and_no_sooner() -> None:
    """The sentence says how many wait, then who is left out, by figures; another outcome stays as it is."""
    found = judge_adjudications(votes_of(62, {"bob": 38}, 30), 0.9).as_evidence()
    waits = after_adjudication(FAILED, found)
    assert waits.reason == (
        "Fails: annotators differ. 30 of 38 disagreements are adjudicated; 8 wait in the review queue."
    )
    passed = after_adjudication(FAILED, judge_adjudications(votes_of(62, {"bob": 38}), 0.9).as_evidence())
    assert (waits.outcome, passed.outcome) == ("failed", "passed")
    assert "1 of 2 annotators stay under the limit of 90% against what is known (62 of 100)" in passed.reason
    assert [set(each) for each in passed.evidence["adjudication"]["people"]] == [{"right", "measured", "left_out"}] * 2
    nobody = after_adjudication(FAILED, judge_adjudications(votes_of(85, {"ann": 7, "bob": 8}), 0.9).as_evidence())
    assert "none of 2 annotators stays under the limit of 90%" in nobody.reason
    warned = Verdict("warned", "Warns.", {})
    assert after_adjudication(warned, Adjudicated(1, 0).as_evidence()).reason == "Warns."
