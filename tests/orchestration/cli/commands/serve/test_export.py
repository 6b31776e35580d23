"""`ratchet export` writes, compares and says so; what may not answer ends with 2."""

import json
from pathlib import Path
from typing import Any

import pytest

from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.homes import WORDS, SmallClassifier
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_encoder import write_tiny_encoder

pytestmark = pytest.mark.slow


@pytest.fixture
def digest(tmp_path: Path) -> str:
    """A home with one sealed adapter of classifier `small`."""
    home = Home(tmp_path / "home")
    SmallClassifier(home).write()
    base = resolve_base(
        str(write_tiny_encoder(tmp_path / "base", [word for words in WORDS.values() for word in words]))
    )
    return AdapterStore(home).seal("small", write_tiny_adapter(tmp_path / "made", base, tuple(WORDS), seed=3), {})


def test_an_export_is_said_in_one_sentence_or_one_document(call: Any, digest: str, tmp_path: Path) -> None:
    """With the folder where it lies; the abbreviated digest is enough."""
    asked = ("--home", tmp_path / "home", "export", "small", "--adapter", digest[:8], "--kind", "onnx")
    said = call(*asked)
    assert said.code == 0, said.err
    assert said.out.startswith("Passes: 0 of 30 answers change")
    document = json.loads(call(*asked, "--json").out)
    assert document["adapter"] == digest
    assert (Path(document["folder"]) / "model.onnx").is_file()


def test_what_may_not_answer_ends_with_two(call: Any, digest: str, tmp_path: Path) -> None:
    """Too few golden texts to compare on are no pass."""
    golden = Home(tmp_path / "home").golden("small")
    golden.write_text("\n".join(golden.read_text().splitlines()[:20]) + "\n")
    said = call("--home", tmp_path / "home", "export", "small", "--adapter", digest, "--kind", "onnx")
    assert said.code == 2
    assert "too few" in said.out
    assert "widen the limits in [export]" in said.err


def test_mistakes_are_named(call: Any, digest: str, tmp_path: Path) -> None:
    """An unknown kind, and a live adapter where there is none."""
    said = call("--home", tmp_path / "home", "export", "small", "--adapter", digest, "--kind", "onx")
    assert said.code == 1
    assert "unknown kind of export 'onx'" in said.err
    assert call("--home", tmp_path / "home", "export", "small", "--kind", "onnx").code == 1
