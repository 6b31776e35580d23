"""Near-duplicates are found from the threshold on, and nothing below it ever."""

import random
import tracemalloc

import pytest

from ratchet.data.near_duplicates import NearDuplicates, choose_bands, jaccard, normalise, one_word_apart, shingles
from ratchet.simulation.traces import LABELS, make_trace


def perturb(text: str, generator: random.Random, edits: int) -> str:
    """`text` with some characters replaced, put in or taken out."""
    letters = list(text)
    for _ in range(edits):
        at = generator.randrange(len(letters) + 1)
        letters[at : at + generator.randint(0, 1)] = generator.choice("abcxyz ")
    return "".join(letters)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Hello  World", "hello world"),
        (" a\tb\n", "A B"),
        ("\uff21\uff22\uff23", "abc"),
        ("Straße", "STRASSE"),
        ("\ufb01x", "fix"),
    ],
)
def test_case_width_and_space_do_not_make_texts_differ(first: str, second: str) -> None:
    """One key for both."""
    assert normalise(first) == normalise(second)


def test_short_texts_are_alike_only_when_equal() -> None:
    """A text under three characters is its own shingle."""
    index = NearDuplicates(0.8, ["ab", "abc"])
    assert (index.find("AB"), index.find("abc"), index.find("ac"), index.find("")) == (0, 1, None, None)


@pytest.mark.parametrize("threshold", [0.5, 0.8, 1.0])
def test_the_index_finds_what_comparing_all_pairs_finds(threshold: float) -> None:
    """250 perturbed texts against 120: found exactly when some pair reaches the threshold, and then the most
    similar."""
    generator = random.Random(0)  # noqa: S311
    known = [make_trace(generator.choice(LABELS), generator) for _ in range(100)] + [
        f"short text {i}" for i in range(20)
    ]
    sets = [shingles(normalise(text)) for text in known]
    index = NearDuplicates(threshold, known)
    found = 0
    for _ in range(250):
        text = perturb(generator.choice(known), generator, generator.randint(0, 12))
        own = shingles(normalise(text))
        scores = [jaccard(own, other) for other in sets]
        expected = scores.index(max(scores)) if max(scores) >= threshold else None
        assert index.find(text) == expected
        found += expected is not None
    assert 10 < found < 250


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0])
def test_a_pair_at_the_threshold_is_missed_once_in_a_million(threshold: float) -> None:
    """By the formula of banding; with a bounded number of permutations."""
    bands, rows = choose_bands(threshold)
    assert (1 - threshold**rows) ** bands <= 1.01e-6
    assert bands * rows <= 320


def test_a_text_joins_the_index_only_when_nothing_is_like_it() -> None:
    """And `add` puts it there whatever it is like; the oldest of equals is named."""
    index = NearDuplicates(0.8)
    assert index.find_or_add("where is my new card") is None
    assert index.find_or_add("where is my new card?") == 0
    index.add("where is my new card")
    assert index.find("where is my new card") == 0
    assert index.find_or_add("something else entirely") is None
    assert index.find("something else entirely") == 2


def test_the_index_grows_past_its_first_size() -> None:
    """More texts than the arrays were made for."""
    texts = [f"{number:05d} {number * 7919:09d} {number * 104729:011d}" for number in range(1500)]
    index = NearDuplicates(0.9, texts)
    assert [index.find(texts[number]) for number in (0, 1023, 1024, 1499)] == [0, 1023, 1024, 1499]


APART = {
    "a word added": ("a b c d e", "a b x c d e", True),
    "a word removed": ("a b c d e f", "b c d e f", True),
    "a word replaced": ("a b c d e", "a b x d e", True),
    "equal": ("a b c d e", "a b c d e", True),
    "two words": ("a b c d e", "x b c d y", False),
    "a word moved": ("a b c d e", "b a c d e", True),
    "other borders of words": ("ab c d e f", "a bc d e f", False),
    "few words": ("a b c", "a b x", False),
    "a long text": ("refund order " * 5_000, "refund order " * 4_999 + "refund", True),
    "a long text, two words": ("refund order " * 5_000, "x " + "refund order " * 4_999 + "x", False),
}


@pytest.mark.parametrize("case", APART)
def test_texts_one_word_apart_share_a_key(case: str) -> None:
    """By the table; the long ones in memory linear in their length, where a string for each word took a gigabyte."""
    first, second, apart = APART[case]
    tracemalloc.start()
    try:
        assert one_word_apart(first).isdisjoint(one_word_apart(second)) != apart
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()
