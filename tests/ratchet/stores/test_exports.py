"""An export lies whole beside its adapter, is vouched for byte by byte, and answers only when it passed."""

import json
from pathlib import Path

import numpy as np
import pytest

from ratchet.bases import resolve_base
from ratchet.errors import RatchetError
from ratchet.exports.kinds import ONNX
from ratchet.prediction import load_predictor
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.exports import RECORD, Exports
from ratchet.stores.home import Home
from ratchet.testing import WORDS, SmallClassifier
from ratchet.tiny_adapter import write_tiny_adapter


def sealed(home: Home, base: Path, *, golden: int = 30) -> str:
    """A classifier with one sealed adapter and so many golden texts; the adapter's digest."""
    small = SmallClassifier(home)
    small.write()
    lines = home.golden("small").read_text().splitlines()
    home.golden("small").write_text("\n".join(lines[:golden]) + "\n")
    folder = write_tiny_adapter(home.root / "made", resolve_base(str(base)), tuple(WORDS), seed=3)
    return AdapterStore(home).seal("small", folder, {})


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An empty home."""
    return Home(tmp_path)


def test_an_export_that_passed_answers_like_its_adapter(home: Home, tiny_base: Path) -> None:
    """The record names what it was made from; a second call finds it."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    record = exports.make("small", digest, "onnx")
    assert (record["adapter"], record["kind"], record["verdict"]["outcome"]) == (digest, "onnx", "passed")
    assert record["labels"] == list(WORDS)
    changed = (exports.folder("small", digest, "onnx") / ONNX).stat().st_mtime_ns
    assert exports.make("small", digest, "onnx") == record
    assert (exports.folder("small", digest, "onnx") / ONNX).stat().st_mtime_ns == changed
    texts = ["refund the kettle", "parcel"]
    ours = load_predictor(AdapterStore(home).open("small", digest))
    assert np.allclose(exports.open("small", digest, "onnx").logits(texts), ours.logits(texts), atol=1e-4)
    assert [path.name for path in exports.folder("small", digest, "onnx").parent.iterdir()] == ["onnx"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / ONNX).write_bytes((folder / ONNX).read_bytes()[:-1] + b"\x00\x00"),
        lambda folder: (folder / ONNX).unlink(),
        lambda folder: (folder / "more").touch(),
        lambda folder: (folder / RECORD).write_text("{}"),
        lambda folder: (folder / RECORD).write_text((folder / RECORD).read_text().replace('"onnx"', '"onnx_int8"')),
    ],
    ids=["bytes", "missing", "one more", "no record", "other kind"],
)
def test_a_changed_export_is_never_opened(home: Home, tiny_base: Path, damage: object) -> None:
    """The sentence says what to do about it."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    exports.make("small", digest, "onnx")
    damage(exports.folder("small", digest, "onnx"))  # type: ignore[operator]
    with pytest.raises(RatchetError, match="missing or not what was written") as caught:
        exports.open("small", digest, "onnx")
    assert "ratchet export" in caught.value.hint


def test_without_enough_golden_texts_it_is_kept_and_not_opened(home: Home, tiny_base: Path) -> None:
    """No data is no pass."""
    digest, exports = sealed(home, tiny_base, golden=29), Exports(home)
    assert exports.make("small", digest, "onnx")["verdict"]["outcome"] == "failed"
    with pytest.raises(RatchetError, match="29 labelled texts are too few"):
        exports.open("small", digest, "onnx")


def test_an_unknown_kind_is_named_with_the_known_ones(home: Home) -> None:
    """And with the nearest."""
    with pytest.raises(RatchetError, match="unknown kind of export 'onnx8'"):
        Exports(home).folder("small", "0" * 64, "onnx8")


def test_merged_needs_no_comparison(home: Home, tiny_base: Path) -> None:
    """It holds the same weights for the same runtime; its record still lists every file."""
    digest = sealed(home, tiny_base)
    record = Exports(home).make("small", digest, "merged")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= record["files"].keys()
    assert json.loads((Exports(home).folder("small", digest, "merged") / "config.json").read_bytes())["id2label"]["0"] == "amber"
