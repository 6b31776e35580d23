"""The verdict says what the figures say, and no more."""

from typing import Any

import pytest

from ratchet.evaluation.comparison_summary import write_verdict


def row(name: str, macro_f1: float | None, ci: list[float] | None = None, **more: Any) -> dict[str, Any]:
    """A row; `ci` is that of tuned minus this."""
    usual = {
        "name": name, "model": name, "n": 200, "macro_f1": macro_f1, "macro_f1_ci": [0.8, 0.95],
        "cost_per_1000": 0.002, "p95_ms": 90.0, "unusable": 0,
        "difference": ci and sum(ci) / 2, "difference_ci": ci,
    }  # fmt: skip
    return {**usual, **more}


TUNED = row("tuned", 0.9)
BASES = [row("base_zero_shot", 0.1, [0.7, 0.9]), row("base_few_shot", 0.3, [0.5, 0.7])]
UNASKED = "No frontier model was asked: there is none."


@pytest.mark.parametrize(
    ("rows", "said", "unsaid"),
    [
        (
            [*BASES, row("frontier", None)],
            ["Tuning is worth it: the tuned model beats its untuned base.", UNASKED],
            ["differ significantly", "A thousand calls"],
        ),
        (
            [BASES[0], row("base_few_shot", 0.89, [-0.02, 0.04])],
            ["No evidence that tuning beats its base few-shot."],
            ["Tuning is worth"],
        ),
        (
            [row("base_zero_shot", 0.95, [-0.09, -0.01])],
            ["It is worse than its base zero-shot (0.950) by 0.050"],
            ["Tuning is worth"],
        ),
        ([row("base_zero_shot", None)], ["was not measured"], ["Tuning is worth"]),
        (
            [*BASES, row("frontier", 0.95, [-0.09, -0.01])],
            ["frontier model has the higher quality"],
            ["Nothing here favours"],
        ),
        (
            [*BASES, row("frontier", 0.91, [-0.04, 0.02])],
            ["No significant difference from the frontier model (0.910 on 200 of them)"],
            ["higher quality"],
        ),
        (
            [*BASES, row("frontier", 0.8, [0.05, 0.15])],
            ["Nothing here favours the frontier model."],
            ["differ significantly"],
        ),
        (
            [*BASES, row("frontier", 0.8, [0.05, 0.15], cost_per_1000=0.5, p95_ms=1200.0)],
            [
                "cost 0.002 with the tuned model and 0.5 with the frontier model, 250 times as much.",
                "90 ms and 1200 ms",
            ],
            [],
        ),
        (
            [*BASES, row("frontier", 0.8, [0.05, 0.15], cost_per_1000=None)],
            ["Nothing here"],
            ["A thousand calls", "used"],
        ),
        (
            [*BASES, row("frontier", 0.8, [0.05, 0.15], unusable=20)],
            ["20 of the frontier model's 200 answers could not be used and count as wrong.", "Nothing here favours"],
            ["cannot be judged: 20"],
        ),
        (
            [*BASES, row("frontier", 0.0, [0.8, 1.0], unusable=21, cost_per_1000=0.5)],
            [
                "The frontier model cannot be judged: 21 of its 200 answers could not be used.",
                UNASKED,
                "Tuning is worth",
            ],
            ["better than the frontier model", "Nothing here favours", "A thousand calls", "95th percentile"],
        ),
    ],
)
def test_each_case_has_its_words(rows: list[dict[str, Any]], said: list[str], unsaid: list[str]) -> None:
    """A difference is claimed only when its interval leaves zero out."""
    found = write_verdict([TUNED, *rows], 200, 900, UNASKED)
    assert found.startswith("On 200 of 900 test texts, drawn at random, the tuned model reaches macro-F1 0.900")
    assert all(words in found for words in said), found
    assert not any(words in found for words in unsaid), found
    assert write_verdict([TUNED, *rows], 200, 900, UNASKED) == found


def test_money_by_an_assumed_price_says_so() -> None:
    """Only where money is compared at all."""
    rows = [TUNED, *BASES, row("frontier", 0.8, [0.05, 0.15], cost_per_1000=0.5)]
    assert "the hourly price of this machine is assumed; set it in [machine]" in write_verdict(rows, 90, 90, "", True)
    assert "assumed" not in write_verdict(rows, 90, 90, "", False)
    assert "assumed" not in write_verdict([TUNED, *BASES], 90, 90, UNASKED, True)


def test_a_whole_split_is_no_sample() -> None:
    """It says so."""
    assert write_verdict([TUNED, *BASES], 90, 90, UNASKED).startswith("On all 90 test texts the tuned model")
