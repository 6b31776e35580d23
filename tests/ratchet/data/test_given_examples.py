"""Examples without requests train beside real weeks and never judge; alone they are split by their text."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pandas as pd
import pytest

from ratchet.config.policy import Limits
from ratchet.config.spec import Label, Spec
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.data.curation import Curated, curate
from ratchet.data.given_examples import GivenExamples, assign_by_text
from ratchet.data.near_duplicates import normalise
from ratchet.data.split_checks import check_splits
from ratchet.gates.leakage import find_leaks
from ratchet.testing.homes import WORDS, make_text

CYCLE = Cycle("tickets", date(2026, 2, 23))
SPEC = Spec("tickets", (Label("a"), Label("b")), limits=Limits(min_examples_per_class=1))
GOLDEN = ["my contactless payment is refused in shops"]
SUBJECTS = (
    "where is the parcel", "please freeze everything", "exchange rates today", "lost my wallet abroad",
    "wrong name on it", "top up did not work", "how old must one be", "cash machine ate it",
    "which countries apply", "verify who I am", "refund still missing", "apple pay will not link",
)  # fmt: skip


def requests() -> pd.DataFrame:
    """Twelve corrected requests; the last two are of the cycle's week, two more calibrate."""
    days = [-20, -19, -18, -17, -16, -15, -14, -13, -2, -1, 1, 2]
    rows = [
        {
            "request_id": f"base{i}",
            "ts": pd.Timestamp(CYCLE.start) + timedelta(days=day),
            "text": text,
            "label": "ab"[i % 2],
            "status": "consensus",
            "blind": True,
        }
        for i, (day, text) in enumerate(zip(days, SUBJECTS, strict=True))
    ]
    return pd.DataFrame(rows)


def given(texts: dict[str, str], *, alone: bool = False, days: float = -400) -> GivenExamples:
    """Examples by text and label, labelled some time ago."""
    ts = pd.Timestamp(CYCLE.start) + timedelta(days=days)
    rows = [{"request_id": f"example-{text}", "ts": ts, "text": text, "label": label} for text, label in texts.items()]
    return GivenExamples(pd.DataFrame(rows), alone)


def by_id(found: Curated) -> dict[str, str]:
    """Split or reason of every row, by its name."""
    kept = zip(found.examples["request_id"], found.examples["split"], strict=True)
    return {**dict(kept), **dict(zip(found.dropped["request_id"], found.dropped["reason"], strict=True))}


BESIDE: dict[str, tuple[str, str, str]] = {
    "an unlike text trains": ("can I pay by cheque", "a", "train"),
    "the same text as a training request is the second": ("WHERE is the parcel", "a", "duplicate"),
    "another label than a training request": ("where is the parcel", "b", "contradicts_request"),
    "another label than a test request": ("apple pay will not link", "a", "contradicts_request"),
    "what test holds": ("refund still missing", "a", "held_out"),
    "what calibration holds": ("which countries apply", "a", "held_out"),
    "near test": ("apple pay will not link!", "b", "near_held_out"),
    "near a training request": ("please freeze everything!", "b", "near_duplicate"),
    "golden": (GOLDEN[0].upper(), "a", "golden"),
    "a label of another time": ("can I pay by cheque", "z", "unknown_label"),
}


@pytest.mark.parametrize("days", [-400, -1.5, 1.5, 100], ids=["before", "calibration", "test", "after"])
def test_beside_real_weeks_an_example_trains_or_leaves_and_no_request_yields_to_it(days: float) -> None:
    """Whenever it was labelled: no split that judges changes by a row, and the weeks are those of requests."""
    alone = curate(requests(), CYCLE, SPEC, GOLDEN)
    before = by_id(alone)
    for case, (text, label, expected) in BESIDE.items():
        found = curate(requests(), CYCLE, SPEC, GOLDEN, given=given({text: label}, days=days))
        assert by_id(found) == {**before, f"example-{text}": expected}, case
        facts, former = found.describe(), alone.describe()
        assert facts["weeks"] == former["weeks"], case
        assert (facts["split_by"], facts["labelled_examples"]) == ("time", int(expected == "train")), case
        for split in ("train", "calibration", "test"):
            assert facts["splits"][split]["first"] == former["splits"][split]["first"], case


def test_examples_that_contradict_each_other_leave_both() -> None:
    """As two requests do."""
    found = curate(requests(), CYCLE, SPEC, GOLDEN, given=given({"Pay by cheque": "a", "pay by  cheque": "b"}))
    assert Counter(found.dropped["reason"]) == {"conflicting_labels": 2}


def test_without_a_labelled_request_in_the_window_examples_never_judge() -> None:
    """A classifier whose requests are older is not one that has examples only."""
    with pytest.raises(RatchetError, match="no labelled request"):
        curate(requests().iloc[:0], CYCLE, SPEC, GOLDEN, given=given({"pay by cheque": "a"}))


def texts(n: int) -> dict[str, str]:
    """Unlike texts of two labels, and a reworded copy of every fifth."""
    import random

    draw, found = random.Random(5), dict[str, str]()  # noqa: S311 - test data
    for number in range(n):
        text = make_text([*WORDS][number % 2], draw, number)
        found[text] = "ab"[number % 2]
        if number % 5 == 0:
            found[f"{text}!"] = "ab"[number % 2]
    return found


def test_alone_they_are_split_by_text_and_no_text_is_near_one_of_another_split() -> None:
    """60/20/20, marked, and nothing held out leaks."""
    found = curate(requests().iloc[:0], CYCLE, SPEC, GOLDEN, given=given(texts(400), alone=True))
    shares = found.examples["split"].value_counts(normalize=True)
    assert abs(shares["test"] - 0.2) < 0.06
    assert abs(shares["calibration"] - 0.2) < 0.06
    facts = found.describe()
    assert (facts["split_by"], facts["labelled_examples"], facts["weeks"]) == ("text", len(found.examples), [])
    assert facts["splits"]["test"]["first"] is None
    assert set(facts["dropped"]) == {"near_duplicate"}  # within train alone: alike texts share their split
    rows = {s: found.examples.loc[found.examples["split"] == s, ["request_id", "text"]] for s in shares.index}
    train = [*rows["train"].itertuples(index=False, name=None)]
    held = [*pd.concat([rows["calibration"], rows["test"]]).itertuples(index=False, name=None)]
    assert not find_leaks(train, [*held, ("g", GOLDEN[0])], SPEC.limits.near_duplicate_jaccard)
    check_splits(found, SPEC, CYCLE)


def test_a_text_keeps_its_split_when_others_arrive() -> None:
    """What judged one candidate never trains the next, in whatever order files come."""
    keys = [normalise(text) for text in texts(300)]
    first = dict(zip(keys[:150], assign_by_text(keys[:150], SPEC.limits), strict=True))
    later = dict(zip(keys, assign_by_text(keys, SPEC.limits), strict=True))
    assert all(later[key] == split for key, split in first.items())
    assert set(later.values()) == {"train", "calibration", "test"}


def test_a_footer_does_not_put_all_mails_into_one_split() -> None:
    """Alike is what is left without the passage that all of them share."""
    footer = " kind regards from the team of the big shop at the corner of the long road in the old town"
    keys = [normalise(text + footer) for text in texts(100)]
    counts = Counter(assign_by_text(keys, SPEC.limits))
    assert max(counts.values()) < 0.8 * len(keys)


def test_too_few_examples_say_what_helps() -> None:
    """An empty split names the command that brings more."""
    few: Any = curate(requests().iloc[:0], CYCLE, SPEC, GOLDEN, given=given({"pay by cheque": "a"}, alone=True))
    with pytest.raises(RatchetError) as caught:
        check_splits(few, SPEC, CYCLE)
    assert "ratchet ingest tickets --examples FILE" in caught.value.hint
