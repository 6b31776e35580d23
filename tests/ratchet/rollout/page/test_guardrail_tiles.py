"""Tiles: figure, interval and limit in words that agree with the drawing."""

import pytest

import ratchet.rollout.page.guardrail_tiles
from ratchet.rollout.guardrails.guardrail import Guardrail
from ratchet.rollout.page.guardrail_tiles import build_tiles

PLAIN = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{MINUS SIGN}": "-", "\N{MULTIPLICATION SIGN}": "x"})
TABLE = [
    (
        Guardrail("accuracy", "ok", "", 0.005, -0.009, 0.019, -0.01),
        "within its limit",
        "+0.5 pp",
        "-0.9 to +1.9 pp",
        "at least -1.0 pp",
    ),
    (
        Guardrail("accuracy", "ok", "", 0.005, -0.019, 0.019, -0.01),
        "not certain yet",
        "+0.5 pp",
        "-1.9 to +1.9 pp",
        "at least -1.0 pp",
    ),
    (
        Guardrail("accuracy", "broken", "", -0.2, -0.3, -0.1, -0.01),
        "failing",
        "-20.0 pp",
        "-30.0 to -10.0 pp",
        "at least -1.0 pp",
    ),
    (
        Guardrail("accuracy of x", "broken", "", -0.2, -0.3, -0.1, 0.0),
        "failing",
        "-20.0 pp",
        "-30.0 to -10.0 pp",
        "at least 0.0 pp",
    ),
    (
        Guardrail("disagreement", "high", "", 0.4, 0.37, 0.43, 0.25),
        "over its limit",
        "40.0 %",
        "37.0 to 43.0 %",
        "at most 25.0 %",
    ),
    (
        Guardrail("disagreement", "ok", "", 0.2, 0.14, 0.27, 0.25),
        "not certain yet",
        "20.0 %",
        "14.0 to 27.0 %",
        "at most 25.0 %",
    ),
    (
        Guardrail("errors", "ok", "", 0.001, 0.0, 0.02, 0.01),
        "not certain yet",
        "0.1 %",
        "0.0 to 2.0 %",
        "at most 1.0 %",
    ),
    (
        Guardrail("latency", "ok", "", 1.1, None, None, 2.0),
        "within its limit",
        "1.10 x",
        "no interval",
        "at most 2.00 x",
    ),
    (
        Guardrail("accuracy", "open", "", 0.005, -0.009, 0.019, -0.02, 0.999, -0.005, 0.015),
        "not shown yet",
        "+0.5 pp",
        "-0.9 to +1.9 pp",
        "at least -2.0 pp",
    ),
    (
        Guardrail("stalls", "broken", "", 0.05, None, None, 0.01),
        "failing",
        "+5.0 pp",
        "no interval",
        "at most +1.0 pp",
    ),
    (Guardrail("cost", "ok", "", 0.04, None, None, 0.05), "within its limit", "0.04", "no interval", "at most 0.05"),
    (Guardrail("errors", "unknown", "", None, None, None, 0.01), "no data", "no data", "no interval", "at most 1.0 %"),
]


@pytest.mark.parametrize(("found", "word", "value", "interval", "limit"), TABLE)
def test_a_tile_says_figure_interval_and_limit(found, word, value, interval, limit):
    """Percentage points with their sign, shares as per cent, latency as a ratio."""
    (tile,) = build_tiles([found])
    said = [tile.word, *(text.translate(PLAIN) for text in (tile.value, tile.interval, tile.limit))]
    assert said == [word, value, interval, limit]


@pytest.mark.parametrize("found", [row[0] for row in TABLE if row[0].value is not None])
def test_the_drawing_lies_on_the_line_in_the_order_of_the_figures(found):
    """Between 0 and 100, and left of the limit only what is below it."""
    (tile,) = build_tiles([found])
    drawn = tile.drawn
    assert 0 <= drawn.value <= 100
    assert (drawn.value < drawn.limit) == (found.value < found.limit)
    if found.low is not None:
        assert 0 <= drawn.start <= drawn.value <= drawn.start + drawn.width <= 100.01
        assert (drawn.start < drawn.limit) == (found.low < found.limit)


def test_the_deciding_interval_is_named_and_has_the_usual_one_beside_it():
    """Any other tile has one interval, of 95 %."""
    deciding = build_tiles([Guardrail("accuracy", "open", "", 0.0, -0.1, 0.1, -0.02, 0.999, -0.05, 0.05)])[0]
    assert (deciding.interval_name, deciding.usual.translate(PLAIN)) == (
        "Deciding interval, each end 99.9 %", "-5.0 to +5.0 pp",
    )  # fmt: skip
    usual = build_tiles([Guardrail("errors", "ok", "", 0.0, 0.0, 0.1, 0.2)])[0]
    assert (usual.interval_name, usual.usual) == ("95 % interval", "")


def test_what_was_shown_stays_shown_while_the_candidate_climbs():
    """The tile is green once the evidence has crossed, at whatever step; one that is shown to be worse is not."""
    rails = [Guardrail("accuracy", status, "", 0.0, -0.1, 0.1, -0.02, 0.999) for status in ("open", "broken")]
    words = [[(tile.tone, tile.word) for tile in build_tiles(rails, is_shown=shown)] for shown in (False, True)]
    assert words == [
        [("open", "not shown yet"), ("blocked", "failing")],
        [("passed", "shown at the first step"), ("blocked", "failing")],
    ]


@pytest.mark.feature(23)
def test_no_figure_is_drawn_where_there_is_none():
    """Nothing is not zero."""
    assert build_tiles([Guardrail("errors", "unknown", "", None, None, None, 0.01)])[0].drawn is None


def test_an_interval_that_reaches_below_the_limit_is_not_called_safe(plant):
    """A tile that called it so is noticed."""
    found = TABLE[1][0]
    mutant = plant(ratchet.rollout.page.guardrail_tiles, "found.low < found.limit", "found.low < -1")
    assert [module.build_tiles([found])[0].word for module in (ratchet.rollout.page.guardrail_tiles, mutant)] == [
        "not certain yet",
        "within its limit",
    ]
