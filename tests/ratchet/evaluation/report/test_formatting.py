"""One way to write a figure, and a key that leads back to it."""

import pytest

from ratchet.core.pages.visible import make_visible
from ratchet.evaluation.report.formatting import divide, format_figure, join_key, look_up, make_headline, make_slug


@pytest.mark.parametrize(
    ("value", "rounding", "shown"),
    [
        (0.94249, "3", "0.942"),
        (1234567, "0", "1,234,567"),
        (-0.0204, "+3", "\u22120.020"),
        (0.031, "+3", "+0.031"),
        (-0.0001, "+3", "0.000"),
        (0.0001, "+3", "0.000"),
        (-0.0001, "3", "0.000"),
        (0.1234, "%1", "12.3\u00a0%"),
        (61.25, "s1", "61.2\u00a0s"),
        (0.000123, "~2", "0.00012"),
        (None, "3", "no data"),
        (["a", "b"], "count", "2"),
        ("2026-02-23T10:00:00+00:00", "day", "2026-02-23"),
        ("three four", "text5", "three…"),
        ("three", "text5", "three"),
        ("not a figure", "3", "not a figure"),
    ],
)
def test_figures_are_written_one_way(value, rounding, shown):
    """Fixed decimals, a true minus sign, no signed nothing, and no zero where there is no data."""
    assert format_figure(value, rounding) == shown


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(value):
    """JSON has no such thing, and neither has a report."""
    with pytest.raises(ValueError, match="no report may show"):
        format_figure(value, "3")


def test_an_unknown_rounding_is_refused():
    """A typing error in a template is seen at once."""
    with pytest.raises(ValueError, match="rounding 'x3' is not one of"):
        format_figure(1.0, "x3")


@pytest.mark.parametrize(
    "name", ["plain", "with.dot", "100%", "a b", "ä\u202e", "", "%2E", "\ud800", "0", '"><script>']
)
def test_a_key_leads_back_to_its_value(name):
    """Whatever a label is called, its key is plain ASCII and finds its figure."""
    key = join_key("classes", name, 1)
    assert key.isascii()
    assert not set(key) & set("\"'<>& ")
    assert look_up({"classes": {name: [1, 2]}}, key) == 2


def test_a_key_that_leads_nowhere_finds_nothing():
    """Missing objects, missing items and leaves in between are all None."""
    document = {"a": {"b": [1]}, "c": None}
    assert [look_up(document, key) for key in ("x", "a.x.y", "a.b.7", "a.b.x", "c.d", "a.b.0.e")] == [None] * 6


@pytest.mark.parametrize(
    ("part", "whole", "share"), [(1, [1, 3], 0.25), (1, {"a": 2, "b": 2}, 0.25), (1, [0], None), (None, [1], None)]
)
def test_a_share_of_nothing_is_no_share(part, whole, share):
    """Lists and objects are summed; a zero whole gives None, not zero."""
    assert divide(part, whole) == share


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("pay\u202eyap", r"pay\u202eyap"),
        ("a\x00b\nc\td", r"a\x00b\nc\td"),
        ("\ufeff\u200b\u00ad\u2066\U000e0041", r"\ufeff\u200b\xad\u2066\U000e0041"),
        ("\ud800", r"\ud800"),
        ("👩\u200d🚀 \u0645\u06cc\u200c\u062e naïve", "👩\u200d🚀 \u0645\u06cc\u200c\u062e naïve"),
        ("z" + "\u0300" * 6, "z" + "\u0300" * 4 + r"\u0300\u0300"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    """Controls and direction marks become escapes; joiners, accents and other scripts stay as they are."""
    assert make_visible(text) == shown


def test_anchors_are_stable_and_never_shared():
    """A plain name is its own anchor; others keep what they can and are told apart."""
    names = [
        "refund",
        "cancel_account",
        "Refund",
        "refund!",
        "a b",
        "a-b",
        "a_b",
        "возврат",
        '"><script>',
        "",
        "x" * 200,
        "x" * 201,
    ]
    anchors = [make_slug(name) for name in names]
    assert anchors[:2] == names[:2]
    assert len(set(anchors)) == len(names)
    assert all(anchor and not set(anchor) & set("\"'<>& #") for anchor in anchors)


@pytest.mark.parametrize(
    ("sentence", "headline"),
    [
        ("Passed every gate against live 3b4ef3e2; it may shadow live.",) * 2,
        (
            "Blocked by golden_agreement: Fails: the week's blind labels contradict the golden set. amber: 3 of 48.",
            "Blocked by golden_agreement: the week's blind labels contradict the golden set.",
        ),
        (
            "Blocked by label_agreement: Fails: annotators agree on 71.0% of 120 doubly labelled requests, by pairs"
            " (limit 90%).",
            "Blocked by label_agreement: annotators agree on 71.0% of 120 doubly labelled requests…",
        ),
        ("", ""),
    ],
)
def test_a_headline_is_the_beginning_of_its_sentence(sentence: str, headline: str) -> None:
    """At most 90 characters: the first sentence where it fits, else cut between words."""
    assert make_headline(sentence) == headline
    assert len(headline) <= 90
