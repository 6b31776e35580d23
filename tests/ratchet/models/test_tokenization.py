"""Texts become batches that are small enough, hold each text once and pad on the right."""

import json
from pathlib import Path

import numpy as np
import pytest

from ratchet.core.errors import RatchetError
from ratchet.models.adapters.format import CARD
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.preprocessing import FIRST, LATEST, Preprocessing
from ratchet.models.token_batches import batch_by_tokens, pad_batch
from ratchet.models.tokenization import encode_texts, load_tokenizer
from ratchet.testing.tiny_adapter import write_tiny_adapter


@pytest.mark.parametrize("most", [512, 2048])
def test_batches_are_bounded_and_complete(most: int) -> None:
    """No batch holds more than 64 rows or so many padded tokens, unless it is one long row."""
    lengths = [*np.random.default_rng(0).integers(1, 512, size=500).tolist(), 5000]
    batches = [batch.tolist() for batch in batch_by_tokens(lengths, most)]
    assert sorted(index for batch in batches for index in batch) == list(range(501))
    assert all(len(batch) <= 64 and max(lengths[i] for i in batch) * len(batch) <= most for batch in batches[1:])
    assert batches[0] == [500]
    assert list(batch_by_tokens([])) == []


def test_padding_is_on_the_right_and_masked() -> None:
    """Short rows are filled up with the given token, which the mask hides."""
    ids, mask = pad_batch([[5, 6, 7], [8]], pad_id=9)
    assert [ids.tolist(), mask.tolist()] == [[[5, 6, 7], [8, 9, 9]], [[1, 1, 1], [1, 0, 0]]]


@pytest.mark.parametrize("version", [FIRST, LATEST])
def test_texts_are_stripped_and_cut(tiny_base: Path, version: Preprocessing) -> None:
    """White space around a text changes nothing; special tokens survive the cut, which counts them."""
    tokenizer = load_tokenizer(tiny_base, 8, version)
    long = "my card did not come and where is my parcel"
    plain, spaced, cut = encode_texts(tokenizer, ["my card", " \n my card\t", long])
    assert plain == spaced
    assert [len(cut), cut[0], cut[-1]] == [8, plain[0], plain[-1]]
    whole = load_tokenizer(tiny_base, 99, version).encode_batch_fast([long])[0].ids
    assert cut == ([*whole[:7], whole[-1]] if version is FIRST else [*whole[:4], *whole[-4:]])
    read = tokenizer.read_text(f" {long}")
    assert (read.ids, read.own, read.text) == (cut, [False, *[True] * 6, False], long)
    assert [long[start:end] for start, end in read.spans[1:4]] == ["my", "card", "did"]
    assert tokenizer.find_cut([long, "my card", "my " * 7, "my " * 6]) == [True, False, True, False]


def test_the_first_version_cuts_as_the_library_does(tiny_base: Path) -> None:
    """Adapters of before get the very tokens of their training."""
    library = load_tokenizer(tiny_base, 8).plain
    library.enable_truncation(8)
    texts = ["my card", "my card " * 50, "where is it now and when does it come", "."]
    assert encode_texts(load_tokenizer(tiny_base, 8, FIRST), texts) == [row.ids for row in library.encode_batch(texts)]


def test_a_base_without_a_fast_tokenizer_is_refused(tmp_path: Path) -> None:
    """The error names the folder and how to save the tokenizer."""
    with pytest.raises(RatchetError, match=r"holds no tokenizer\.json"):
        load_tokenizer(tmp_path, 8)


def test_a_rendering_is_read_before_tokens_are_made_and_stands_in_the_card(tiny_base: Path, tmp_path: Path) -> None:
    """An adapter with a rendering answers a text as one with the same weights and none answers the rendered text."""
    base, labels = resolve_base(str(tiny_base)), ("a", "b")
    folders = {
        name: write_tiny_adapter(tmp_path / (name[:4] or "raw"), base, labels, rendering=name)
        for name in ("", "form_events/1")
    }
    raw, rendered = (load_predictor(folder) for folder in folders.values())
    text = "focus:card, blur:card(my_money), scroll:page(41000ms)"
    assert np.array_equal(rendered.logits([text]), raw.logits(["enter card, fails my money, long gap"]))
    assert not np.array_equal(rendered.logits([text]), raw.logits([text]))
    cards = [json.loads((folder / CARD).read_text()) for folder in folders.values()]
    assert [card.get("rendering") for card in cards] == [None, "form_events/1"]
    assert "rendering" not in cards[0], "cards without one are those of before, byte for byte"
