"""Figures of the people who label, and the confusions of two of them, from answers alone."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import pytest

from ratchet.metrics.intervals import proportion_interval
from ratchet.review.people_confusions import MOST_TEXTS, find_confusions
from ratchet.review.people_figures import LEAST, by_person, compare_with_others, measure_people

Answer = tuple[str, str, str | None]
"""Request, person and label."""


def answers(rows: Sequence[Answer], **more: Any) -> pd.DataFrame:
    """Rows as `ANSWERS_SQL` gives them, all in one week."""
    common = {
        "ts": datetime(2026, 1, 6, tzinfo=UTC), "answer": None, "blind": True, "seconds": None, "suspended": False,
        "ended": False,
        "note": "", "week": pd.Timestamp("2026-01-05"), "kind": "vote",
    }  # fmt: skip
    return pd.DataFrame(
        [{**common, "request_id": request, "person": person, "label": label, **more} for request, person, label in rows]
    )


def doubled(apart: int, of: int, second: str = "bob") -> list[Answer]:
    """`of` requests by ann and a second person, who differ on the first `apart`."""
    return [(f"r{n}", who, "b" if who == second and n < apart else "a") for n in range(of) for who in ("ann", second)]


def test_a_label_that_was_split_since_is_compared_with_none_of_its_parts() -> None:
    """Only answers of one time are: both before, or both after."""
    rows = pd.concat(
        [answers([("r1", "ann", "a (split)"), ("r2", "ann", "a (split)"), ("r2", "bob", "a (split)")], ended=True),
         answers([("r1", "bob", "b")])], ignore_index=True,
    )  # fmt: skip
    found = {whole.person: whole.as_json()["with_others"] for whole, _ in by_person(measure_people(rows))}
    assert (found["ann"]["requests"], found["ann"]["agreed"]) == (1, 1)


def test_agreement_is_that_of_blind_votes_by_the_exact_interval() -> None:
    """What was seen, checked or adjudicated is no blind double; few of them are not enough to say."""
    seen = [(f"r{n}", "eve", "b") for n in range(9)]
    rows = pd.concat(
        [
            answers(doubled(3, 20)),
            answers(seen, blind=False),
            answers([("r1", "eve", "b")], kind="adjudication"),
            answers([("r12", "eve", None)], answer="cannot_tell"),
        ],
        ignore_index=True,
    )
    found = {whole.person: whole for whole, _ in by_person(measure_people(rows))}
    shown = found["ann"].as_json()["with_others"]
    assert (list(found), shown["requests"], shown["agreed"], shown["share"]) == (["ann", "bob", "eve"], 20, 17, 0.85)
    assert shown["interval"] == list(proportion_interval(17, 20))
    assert found["eve"].as_json()["with_others"] == {"requests": 0, "agreed": 0, "share": None, "interval": None}
    assert (found["eve"].labels, found["eve"].without_label) == (10, 1)


@pytest.mark.parametrize("n", [LEAST - 1, LEAST])
def test_few_answers_are_not_enough_to_say(n: int) -> None:
    """Neither a share nor a median of seconds below ten; the counts are there."""
    rows = answers(doubled(0, n)).assign(seconds=[float(i) for i in range(2 * n)])
    (ann, weeks), _ = by_person(measure_people(rows))
    enough = n >= LEAST
    assert (ann.as_json()["with_others"]["share"] is not None, ann.seconds is not None) == (enough, enough)
    assert (ann.timed, ann.with_others.requests, [each.labels for each in weeks]) == (n, n, [n])


def test_a_request_counts_once_however_many_others_labelled_it() -> None:
    """By the share of them that agree."""
    rows = answers([("r", "ann", "a"), ("r", "bob", "a"), ("r", "eve", "b")])
    agreed = {whole.person: whole.with_others.agreed for whole, _ in by_person(measure_people(rows))}
    assert agreed == {"ann": 0.5, "bob": 0.5, "eve": 0.0}


def test_a_check_is_compared_with_the_consensus_of_the_others() -> None:
    """One's own earlier vote is not among them, a tie says nothing, an adjudication decides."""
    votes = [("r1", "ann", "b"), ("r1", "bob", "a"), ("r2", "bob", "a"), ("r2", "eve", "b")]
    frame = pd.concat(
        [
            answers([*votes, ("r3", "bob", "a"), ("r3", "eve", "a")]),
            answers([("r3", "lead", "c")], kind="adjudication"),
            answers([("r1", "ann", "a"), ("r2", "ann", "a"), ("r3", "ann", "c")], kind="check"),
        ],
        ignore_index=True,
    )
    ann = next(whole for whole, _ in by_person(measure_people(frame)) if whole.person == "ann")
    assert (ann.with_checks.requests, ann.with_checks.agreed, ann.labels) == (2, 2, 1)


def test_a_suspended_person_is_measured_and_measures_nobody() -> None:
    """So that the others' figures do not move with theirs."""
    rows = answers(doubled(5, 12))
    rows["suspended"] = rows["person"] == "bob"
    ann, bob = (whole for whole, _ in by_person(measure_people(rows)))
    assert (ann.with_others.requests, bob.with_others.requests, bob.with_others.agreed) == (0, 12, 7)
    assert (ann.suspended, bob.suspended) == (False, True)


def test_weeks_stand_below_the_person_newest_first() -> None:
    """A week is that of the answer; people stand by name, never by figure."""
    late = answers([("r9", "bob", "a"), ("r8", "ann", "a")], week=pd.Timestamp("2026-01-12"))
    rows = pd.concat([late, answers(doubled(0, 2))], ignore_index=True)
    found = {whole.person: [str(each.week) for each in weeks] for whole, weeks in by_person(measure_people(rows))}
    assert found == {"ann": ["2026-01-12", "2026-01-05"], "bob": ["2026-01-12", "2026-01-05"]}
    assert measure_people(rows.iloc[:0]) == []


def test_confusions_are_pairs_of_texts_side_by_side() -> None:
    """Left what the first called the one and the second the other, right the other way round; the newest few."""
    rows = [("r1", "bob", "b"), ("r1", "ann", "a"), ("r2", "ann", "b"), ("r2", "bob", "a")]
    alike = [("r3", "ann", "a"), ("r3", "bob", "a")]
    (pair,) = find_confusions(compare_with_others(answers([*rows, *alike], note="<b>?</b>")))
    shown = pair.as_json({"r1": "one", "r2": "two"})
    assert (shown["people"], shown["doubles"], shown["disagreed"]) == (["ann", "bob"], 3, 2)
    ((left, right),) = (each["sides"] for each in shown["confusions"])
    assert ([each["text"] for each in left], [each["text"] for each in right]) == (["one"], ["two"])
    assert left[0]["notes"] == ["<b>?</b>", "<b>?</b>"]
    assert [each["sides"] for each in pair.as_json({})["confusions"]] == [[[], []]]
    (many,) = find_confusions(compare_with_others(answers(doubled(30, 30))))
    assert (many.disagreed, len(many.newest), dict(many.by_labels)) == (30, MOST_TEXTS, {("a", "b"): 30})
    assert find_confusions(compare_with_others(answers(doubled(0, 5)))) == []
