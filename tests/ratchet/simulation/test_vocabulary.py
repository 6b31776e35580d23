"""The two halves of a vocabulary share nothing, so what is learned with one is tested with the other."""

from dataclasses import fields
from random import Random

import pytest

from ratchet.simulation.form_kinds import FORM_KINDS
from ratchet.simulation.vocabulary import WHOLE, Vocabulary


def drawn(vocabulary: Vocabulary, seed: int) -> set[str]:
    """Names of 60 forms and their pages, as the traces of a visit would have them."""
    random = Random(seed)  # noqa: S311 - must be repeatable, not secret
    names: set[str] = set()
    for _ in range(60):
        names.update(vocabulary.form(random, random.choice(vocabulary.kinds)))
        names.update(vocabulary.information(random, 6))
    return names


@pytest.mark.parametrize("seed", ["a", "b", "c", "d", "e", "f"])
def test_the_halves_of_a_split_share_no_word_and_no_name(seed: str) -> None:
    """Every kind of word is divided without rest and without overlap; and no name that one half draws is drawn by the
    other, though fields of two kinds of form, and a list and a composition, can spell the same."""
    first, second = WHOLE.split(seed)
    for name in (field.name for field in fields(WHOLE) if field.name != "never"):
        ours, theirs, whole = (set(getattr(each, name)) for each in (first, second, WHOLE))
        assert ours & theirs == set(), name
        assert ours | theirs == whole, name
        assert len(theirs) >= 2, name
    names, others = drawn(first, 1), drawn(second, 2)
    assert names & others == set()
    assert min(len(names), len(others)) > 100
    assert {*first.kinds, *second.kinds} == set(FORM_KINDS)


def test_a_split_is_the_same_for_the_same_seed() -> None:
    """Whatever was drawn before it; another seed gives another."""
    assert WHOLE.split("a") == WHOLE.split("a")
    assert WHOLE.split("a") != WHOLE.split("b")
