"""Tokens become words, and nothing of their attributions is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ratchet.evaluation.explanation.word_attribution import share_out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("money back, please", ["money", "back", ",", "please"]),
        ("don't  wait", ["don't", "wait"]),
        ("[EMAIL] at 5", ["[", "EMAIL", "]", "at", "5"]),
        ("東京は", ["東", "京", "は"]),
        ("ไป now", ["ไ", "ป", "now"]),
        ("naïve Ünïcode", ["naïve", "Ünïcode"]),
        ("😀!", ["😀", "!"]),
        ("मेरा कार्ड", ["मेरा", "कार्ड"]),
        ("பணம் எங்கே", ["பணம்", "எங்கே"]),
        ("أَيْنَ مالي", ["أَيْنَ", "مالي"]),
        ("cafe\u0301 cre\u0300me", ["cafe\u0301", "cre\u0300me"]),
        ("น้ำ", ["น้", "ำ"]),
    ],
)
def test_words_are_what_a_person_reads(text: str, words: list[str]) -> None:
    """Also where a script sets no spaces, and where no token covers any of them."""
    found = share_out(text, [], [])
    assert [word.text for word in found] == words
    assert all(text[word.start : word.end] == word.text and word.attribution is None for word in found)


def test_sub_words_are_added_and_long_tokens_shared_by_letters() -> None:
    """`un|believ|able` is one word; a token over two words belongs to each by its letters; a line break to the word
    before."""
    found = share_out("unbelievable it is\n", [(0, 2), (2, 8), (8, 12), (13, 18), (18, 19)], [1.0, 2.0, 4.0, 8.0, 16.0])
    assert [(word.text, word.attribution) for word in found] == [("unbelievable", 7.0), ("it", 4.0), ("is", 20.0)]


def test_what_was_cut_has_no_attribution() -> None:
    """Not a zero: nobody read it."""
    found = share_out("one two three", [(0, 3), (4, 7)], [0.0, -1.0])
    assert [word.attribution for word in found] == [0.0, -1.0, None]


@given(st.text(min_size=1).filter(lambda text: any(map(str.isalnum, text))), st.data())
def test_the_sum_is_kept(text: str, data: st.DataObject) -> None:
    """Whatever the places of the tokens are."""
    ends = st.integers(0, len(text))
    spans = data.draw(st.lists(st.tuples(ends, ends).map(lambda pair: (min(pair), max(pair))), max_size=8))
    values = data.draw(st.lists(st.integers(-100, 100).map(float), min_size=len(spans), max_size=len(spans)))
    words = share_out(text, spans, values)
    assert all(word.text == text[word.start : word.end] for word in words)
    assert sum(sorted(_sums(text, spans, values))) == pytest.approx(sum(values))


def _sums(text: str, spans: list[tuple[int, int]], values: list[float]) -> list[float]:
    """Attributions with those of unread words, which line breaks alone can give one."""
    read = [(0, len(text)), *spans]  # a token over everything, worth nothing, makes every word read
    return [float(word.attribution or 0.0) for word in share_out(text, read, [0.0, *values])]


def test_a_text_without_words_takes_nothing() -> None:
    """There is no word to give the attribution to."""
    with pytest.raises(ValueError, match="without words"):
        share_out(" \n", [(1, 2)], [1.0])
