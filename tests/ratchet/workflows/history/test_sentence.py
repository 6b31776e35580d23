"""The sentence on promotions: why nothing was promoted, and for how many weeks."""

from typing import Any

import pytest

from ratchet.workflows.history.sentence import explain_promotions
from ratchet.workflows.history.week_verdict import make_line


def row(week: int, verdict: str = "passed", gate: str = "", *marks: str) -> dict[str, Any]:
    """A week's row as far as the sentence reads it."""
    return {"week": f"w{week}", "verdict": verdict, "gate": gate, "marks": list(marks)}


BLOCKED = [row(n, "blocked", "label_agreement", "blocked") for n in (2, 3, 4)]
CASES: dict[str, tuple[list[dict[str, Any]], dict[str, str], str, str]] = {
    "blocked and held": (
        [row(1, "passed", "", "promoted"), *BLOCKED, row(5), row(6)],
        {"w1": "live", "w5": "compared", "w6": "not entered"},
        "too few blind labels",
        "Nothing was promoted for 5 weeks: 3 blocked by label_agreement, 1 held (too few blind labels), 1 waiting for"
        " the candidate that is compared.",
    ),
    "the newest is live": ([row(1), row(2)], {"w2": "live"}, "", "The newest week, w2, is live."),
    "promoted and rolled back": (
        [row(1), row(2, "passed", "", "promoted", "rolled_back")],
        {"w2": "rolled back"},
        "",
        "The newest week, w2, was promoted and rolled back.",
    ),
    "promoted, another live": ([row(1), row(2, "passed", "", "promoted")], {"w2": "promoted"}, "",
                               "The newest week, w2, was promoted."),
    "never": ([row(1)], {}, "", "Nothing was promoted in 1 week: 1 passed without a candidate."),
    "rejected, failed, cut": (
        [row(1, "passed", "", "promoted"), row(2), row(3, "error", "adapter"), row(4, "error"), row(5, "unfinished")],
        {"w1": "live", "w2": "rejected"},
        "",
        "Nothing was promoted for 4 weeks: 1 rejected, 1 stopped at adapter, 1 with a file that cannot be read, 1"
        " unfinished.",
    ),
    "none": ([], {}, "", "No week has run yet."),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_sentence_says_why_nothing_was_promoted(case: str) -> None:
    """Reasons are counted, the most frequent first."""
    weeks, fates, held, sentence = CASES[case]
    assert explain_promotions(weeks, fates, held) == sentence


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Fails: 3 rows\nare bad.", "3 rows are bad."),
        ("x" * 200, "x" * 89 + "…"),
        ("Passes: " + "ab " * 50, " ".join(["ab"] * 29) + "…"),
        (
            "Fails: annotators agree on 71 % of 120 requests that two labelled (limit 90 %, with the " + "x " * 40,
            "annotators agree on 71 % of 120 requests that two labelled…",
        ),
        ("", ""),
    ],
)
def test_a_reason_is_one_line_of_at_most_90_characters(text: str, line: str) -> None:
    """Cut between words where there are any."""
    assert make_line(text) == line
    assert len(make_line(text)) <= 90
