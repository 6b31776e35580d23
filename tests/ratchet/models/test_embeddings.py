"""Embeddings of the frozen base: alike for every neighbour, and computed once where they are kept."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ratchet.core.digests import digest_bytes
from ratchet.models.embeddings import embed_texts, keep_embeddings

TEXTS = [
    "my blue card never arrived in the post",
    "how do I get lost money back please",
    "card " * 60,
    "today",
    "euros",
] * 30


def test_embeddings_have_length_one_and_ignore_neighbours(tiny_base: Path) -> None:
    """Mean-pooled over real tokens only, then normalised; long texts are cut."""
    together = embed_texts(str(tiny_base), TEXTS[:5], 32)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-6)
    alone = np.vstack([embed_texts(str(tiny_base), [text], 32) for text in TEXTS[:5]])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_many_batches_give_what_one_gives(tiny_base: Path) -> None:
    """Two threads take turns at the batches; every text still gets its own row."""
    found = embed_texts(str(tiny_base), TEXTS, 32)
    np.testing.assert_allclose(found, np.tile(embed_texts(str(tiny_base), TEXTS[:5], 32), (30, 1)), atol=1e-6)
    assert np.array_equal(found, embed_texts(str(tiny_base), TEXTS, 32))


def test_kept_embeddings_are_the_same_and_are_not_computed_again(tiny_base: Path, tmp_path: Path) -> None:
    """What lies in the folder is what is answered: shown by other numbers under the same name."""
    found = keep_embeddings(tmp_path, str(tiny_base), TEXTS, 32)
    assert np.array_equal(found, embed_texts(str(tiny_base), TEXTS, 32))
    (path,) = tmp_path.iterdir()
    other = np.ones((len(TEXTS), found.shape[1]), dtype=np.float32)
    save_file({"embeddings": other}, path, metadata={"digest": digest_bytes(other.tobytes())})
    assert np.array_equal(embed_texts(str(tiny_base), TEXTS, 32, kept=tmp_path), other)
    for texts, length in ((TEXTS[1:], 32), (TEXTS, 16)):  # other texts, or other lengths, are other embeddings
        assert np.array_equal(
            embed_texts(str(tiny_base), texts, length, kept=tmp_path), embed_texts(str(tiny_base), texts, length)
        )


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, None])
def test_a_damaged_file_is_not_believed(tiny_base: Path, tmp_path: Path, damage: bytes | None) -> None:
    """An empty file, noise, and one flipped byte: all are computed again."""
    found = keep_embeddings(tmp_path, str(tiny_base), TEXTS[:5], 32)
    (path,) = tmp_path.iterdir()
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if damage is None else damage)
    assert np.array_equal(embed_texts(str(tiny_base), TEXTS[:5], 32, kept=tmp_path), found)
