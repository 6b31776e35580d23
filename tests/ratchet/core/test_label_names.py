"""One form of a label's name, and one key for names that a person takes for each other."""

import unicodedata

import pytest

from ratchet.core.label_names import read_label, skeleton

DECOMPOSED = unicodedata.normalize("NFD", "übrig")
VALUES = {
    "refund": "refund",
    2: "2",
    -7: "-7",
    True: "true",
    False: "false",
    DECOMPOSED: "übrig",
    " a ": " a ",
    "Refund": "Refund",
}


@pytest.mark.parametrize("value", VALUES)
def test_a_label_is_text_in_one_form_or_an_integer(value: str | int) -> None:
    """Case and spaces are kept: they are somebody's mistake to see, not ours to guess."""
    assert read_label(value) == VALUES[value]


@pytest.mark.parametrize("value", [1.5, None, [], {}, b"a"])
def test_anything_else_is_not_a_label(value: object) -> None:
    """A fraction, nothing, a list."""
    assert read_label(value) is None


@pytest.mark.parametrize(
    "other",
    ["Refund", "refund ", "re\u00adfund", "re\u200bfund", "ｒｅｆｕｎｄ", "rеfund", "ref\u03c5nd", "REFUND"],  # noqa: RUF001
)
def test_look_alikes_share_a_key(other: str) -> None:
    """Case, spaces, soft hyphens, width, and letters of another script."""
    assert skeleton(other) == skeleton("refund")


@pytest.mark.parametrize("other", ["refunds", "re fund", "возврат", "0", "réfund"])
def test_names_that_differ_do_not(other: str) -> None:
    """A word of another script is no look-alike, and an accent is seen."""
    assert skeleton(other) != skeleton("refund")
