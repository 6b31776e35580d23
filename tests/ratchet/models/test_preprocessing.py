"""A card names what happens to a text before its tokens; each adapter reads by its own version, side by side."""

import json
import time
from pathlib import Path

import numpy as np
import pytest

from ratchet.core.errors import RatchetError
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.model_pool import ModelPool
from ratchet.models.inference.predictor import load_predictor
from ratchet.models.preprocessing import FIRST, LATEST, VERSIONS, Preprocessing
from ratchet.models.tokenization import encode_texts, load_tokenizer
from ratchet.testing.tiny_adapter import write_tiny_adapter

LONG = "my card did not come " * 9 + "where is my parcel"
TEXTS = ["my order 4711223344 is late", "call 06 12 34 56 78", LONG, "my card"]


@pytest.mark.parametrize(
    ("version", "text", "prepared"),
    [
        (FIRST, "  order 4711223344 ", "order [PHONE]"),
        (LATEST, "  order 4711223344 ", "order 4711223344"),
        (FIRST, " " * 9000 + "x" * 9000, "x" * 8000),
        (LATEST, "a" * 300 + "b" * 300, "a" * 256 + "b" * 256),
        (LATEST, "a" * 512, "a" * 512),
        (LATEST, "a" * 250 + " +49 30 1234567 " + "b" * 249, "a" * 250 + " [PHONE] " + "b" * 249),
    ],
)
def test_a_version_says_what_is_left_of_a_text(version: Preprocessing, text: str, prepared: str) -> None:
    """With 16 tokens to read: redacted first, so that a text in a table and the same text at the gateway are alike."""
    assert version.prepare(text, 16) == prepared
    assert version.prepare(prepared, 16) == prepared


@pytest.mark.parametrize(
    ("version", "most", "left"), [(FIRST, 3, "abc"), (LATEST, 3, "abg"), (LATEST, 4, "abfg"), (LATEST, 7, "abcdefg")]
)
def test_a_version_says_which_tokens_are_read(version: Preprocessing, most: int, left: str) -> None:
    """The first ones, or both ends, the first half being the longer one."""
    assert "".join(version.cut("abcdefg", most)) == left


def test_the_names_of_versions_never_change() -> None:
    """Cards of adapters hold them."""
    assert list(VERSIONS) == ["strip+redact/1", "strip+redact/2+ends/1"]
    assert [(v.redaction, v.keep, v.chars_per_token, v.min_chars) for v in VERSIONS.values()] == [
        (1, "head", 16, 8000),
        (2, "head and tail", 32, 0),
    ]


@pytest.mark.parametrize("version", VERSIONS.values(), ids=str)
def test_long_texts_cost_no_more_than_they_can_say(tiny_base: Path, version: Preprocessing) -> None:
    """A million letters, words, digits or signs are tokenized in less than two seconds, and counted as cut."""
    tokenizer = load_tokenizer(tiny_base, 128, version)
    for piece in ("a", "my card ", "7", "\u4e2d", "("):
        started = time.process_time()
        text = piece * (1_000_000 // len(piece))
        assert len(encode_texts(tokenizer, [text])[0]) <= 128
        assert time.process_time() - started < 2, piece
        assert tokenizer.find_cut([text]) == [True]


def test_two_versions_serve_side_by_side_on_one_base(tiny_base: Path, tmp_path: Path) -> None:
    """Live of before and a candidate of now: each reads each text as it was trained, also in one batch."""
    base, pool = resolve_base(str(tiny_base)), ModelPool()
    folders = [
        write_tiny_adapter(tmp_path / version.name.replace("/", "-"), base, ("a", "b"), preprocessing=version)
        for version in VERSIONS.values()
    ]
    first, latest = (pool.load(folder) for folder in folders)
    alone = [load_predictor(folder).logits(TEXTS) for folder in folders]
    (one, two), _ = first.model.answer([(first, TEXTS), (latest, TEXTS)])
    for answers, logits, predictor in ((one, alone[0], first), (two, alone[1], latest)):
        np.testing.assert_allclose(answers.probabilities, predictor.judge(logits).probabilities, atol=1e-6)
    # equal weights: only texts that the versions read alike get equal answers
    alike = [bool(np.allclose(a, b, atol=1e-6)) for a, b in zip(*alone, strict=True)]
    assert alike == [False, False, False, True]


def test_a_version_to_come_is_refused_in_one_sentence(tiny_base: Path, tmp_path: Path) -> None:
    """The error names the versions that are known, and the way on."""
    folder = write_tiny_adapter(tmp_path / "adapter", resolve_base(str(tiny_base)), ("a", "b"))
    card = json.loads((folder / "ratchet.json").read_text())
    assert card["preprocessing"] == LATEST.name
    (folder / "ratchet.json").write_text(json.dumps({**card, "preprocessing": "strip+redact/9"}))
    with pytest.raises(RatchetError, match=r"preprocessing 'strip\+redact/9'; this version of Ratchet knows") as caught:
        load_predictor(folder)
    assert "Update Ratchet" in caught.value.hint
