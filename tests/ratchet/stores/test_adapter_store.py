"""An adapter is sealed whole, found by its digest, and refused once anything in it changed."""

import contextlib
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from ratchet import adapter_folder
from ratchet import adapter_format as form
from ratchet.adapter_folder import read_folder
from ratchet.adapter_format import make_manifest
from ratchet.calibration import Calibration
from ratchet.errors import RatchetError
from ratchet.prediction import load_predictor
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home

ADDED = {"calibration": Calibration("temperature", 1.5, accepted=True, reason="better").as_json()}
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
SEAL = """
import sys
from pathlib import Path
from ratchet.stores.adapter_store import AdapterStore
from ratchet.stores.home import Home
AdapterStore(Home(Path(sys.argv[1]))).seal("tickets", Path(sys.argv[2]), {})
"""


@pytest.fixture(scope="module")
def source(trained: Path) -> Path:
    """A trained LoRA, as training left it."""
    return trained / "candidate-0" / "adapter"


@pytest.fixture
def store(tmp_path: Path) -> AdapterStore:
    """A store in an empty home."""
    return AdapterStore(Home(tmp_path / "home"))


@pytest.fixture
def folder(source: Path, tmp_path: Path) -> Path:
    """A copy of the adapter that a test may damage."""
    return Path(shutil.copytree(source, tmp_path / "copy"))


def test_sealing_is_idempotent_and_read_only(store: AdapterStore, source: Path) -> None:
    """The same content gives the same digest, once; other additions another; every file is read-only."""
    digest = store.seal("tickets", source, ADDED)
    assert store.seal("tickets", source, ADDED) == digest
    other = store.seal("tickets", source, {})
    assert store.digests("tickets") == [digest, other]
    sealed = store.open("tickets", digest)
    assert {oct(path.stat().st_mode & 0o777) for path in sealed.iterdir()} == {"0o444"}
    assert json.loads((sealed / "ratchet.json").read_text())["calibration"]["temperature"] == 1.5
    assert [path.name for path in sealed.parent.iterdir() if path.name.startswith(".")] == []


def test_a_sealed_adapter_can_be_sealed_again(store: AdapterStore, source: Path) -> None:
    """A sealed folder is a source like any other; its old manifest is left behind."""
    first = store.open("tickets", store.seal("tickets", source, {}))
    assert store.seal("tickets", first, ADDED) == store.seal("tickets", source, ADDED)


def test_adapters_are_found_by_their_first_digits(store: AdapterStore, source: Path) -> None:
    """A prefix of one is that one; of none or of several, the error says so."""
    digests = [store.seal("tickets", source, {"max_tokens": size}) for size in range(20, 37)]
    assert store.find("tickets", digests[0][:20]) == digests[0]
    shared = next(d[0] for d in digests if sum(other.startswith(d[0]) for other in digests) > 1)
    with pytest.raises(RatchetError, match="adapters of tickets begin with"):
        store.find("tickets", shared)
    for unknown in ("zz", ""):
        with pytest.raises(RatchetError, match="has no adapter"):
            store.find("tickets", unknown)
    for unknown in ("0" * 64, "../../etc", ""):
        with pytest.raises(RatchetError, match="has no adapter"):
            store.open("tickets", unknown)


def test_a_crash_while_sealing_leaves_nothing_visible(tmp_path: Path, source: Path) -> None:
    """Killed (-9) just before its name appears, an adapter is not there; sealing again succeeds."""
    environment = {**os.environ, "RATCHET_FAILPOINT": "adapter_store.before_rename:kill"}
    killed = subprocess.run([sys.executable, "-c", SEAL, tmp_path, source], env=environment, check=False, timeout=60)
    store = AdapterStore(Home(tmp_path))
    assert [killed.returncode, store.digests("tickets")] == [-9, []]
    digest = store.seal("tickets", source, {})
    assert store.open("tickets", digest).is_dir()


@pytest.mark.parametrize("name", [WEIGHTS, CONFIG, "ratchet.json", "manifest.json"])
def test_one_flipped_bit_in_a_sealed_adapter_is_refused(store: AdapterStore, source: Path, name: str) -> None:
    """Both the store and the loader hash the very bytes they use."""
    sealed = store.open("tickets", digest := store.seal("tickets", source, ADDED))
    path = sealed / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.chmod(0o644)
    path.write_bytes(content)
    for use in (lambda: store.open("tickets", digest), lambda: load_predictor(sealed)):
        with pytest.raises(RatchetError):
            use()


def test_a_sealed_adapter_under_another_name_is_refused(store: AdapterStore, source: Path) -> None:
    """A valid adapter put in the place of another is not that other."""
    first, second = (store.seal("tickets", source, {"max_tokens": size}) for size in (20, 21))
    folder = store.open("tickets", first)
    shutil.rmtree(folder)
    shutil.copytree(store.open("tickets", second), folder)
    with pytest.raises(RatchetError, match="is not the content that its name says"):
        store.open("tickets", first)


def change_config(**changes: Any) -> Callable[[Path], None]:
    """Change settings in adapter_config.json."""

    def change(folder: Path) -> None:
        settings = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps({**settings, **changes}))

    return change


def change_card(**changes: Any) -> Callable[[Path], None]:
    """Change what ratchet.json says."""

    def change(folder: Path) -> None:
        card = json.loads((folder / "ratchet.json").read_text())
        (folder / "ratchet.json").write_text(json.dumps({**card, **changes}))

    return change


def change_tensors(edit: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Change the tensors in the weights file."""

    def change(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        edit(tensors)
        save_file(tensors, folder / WEIGHTS)

    return change


def first(tensors: dict[str, Any], part: str) -> str:
    """The first tensor name with `part` in it."""
    return next(name for name in sorted(tensors) if part in name)


def poison(tensors: dict[str, Any]) -> None:
    """Plant one NaN."""
    tensors[first(tensors, "lora_A")][0, 0] = np.nan


def drop_half(tensors: dict[str, Any]) -> None:
    """Lose every second LoRA tensor."""
    for name in sorted(name for name in tensors if "lora" in name)[::2]:
        del tensors[name]


def override_base(tensors: dict[str, Any]) -> None:
    """Smuggle in a weight of the base model."""
    tensors["base_model.model.bert.embeddings.LayerNorm.weight"] = np.ones(32, dtype=np.float32)


def shrink(tensors: dict[str, Any]) -> None:
    """Give a head another shape."""
    tensors[first(tensors, "classifier.weight")] = np.ones((2, 32), dtype=np.float32)


def huge_header(folder: Path) -> None:
    """Claim a header of many gigabytes."""
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", 2**40) + b"{}")


def link(folder: Path) -> None:
    """Replace the weights by a link to them."""
    (folder / WEIGHTS).rename(folder.parent / "elsewhere")
    (folder / WEIGHTS).symlink_to(folder.parent / "elsewhere")


MUTANTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "nan": (change_tensors(poison), "not finite"),
    "half": (change_tensors(drop_half), "lack 13 tensors"),
    "none": (change_tensors(dict.clear), "lack 28 tensors"),
    "override": (change_tensors(override_base), "1 tensors too many"),
    "shape": (change_tensors(shrink), r"expected float32 \[3, 32\]"),
    "cut": (lambda folder: os.truncate(folder / WEIGHTS, 500), "no safetensors file"),
    "cut body": (lambda folder: os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size - 8), "cannot be read"),
    "header": (huge_header, "no safetensors file"),
    "rank": (change_config(r=2_000_000), "asks for r = 2000000"),
    "alpha": (change_config(lora_alpha=1e6), "lora_alpha = 1000000.0"),
    "regex": (change_config(target_modules=["(a+)+$"]), "only plain dotted names"),
    "setting": (change_config(megatron_core="os", megatron_config={}), "sets megatron_config, megatron_core"),
    "foreign": (change_config(target_modules=["bert.nothing"]), "which the base model lacks"),
    "pickle": (lambda folder: (folder / "adapter_model.bin").write_bytes(b"\x80"), "no part of an adapter"),
    "link": (link, "no regular file"),
    "missing": (lambda folder: (folder / CONFIG).unlink(), "a lora needs"),
    "card": (lambda folder: (folder / "ratchet.json").write_text('{"schema": 1}'), "other keys than"),
    **{
        f"setting {name} {value}": (change_config(**{name: value}), reason)
        for name, value, reason in [
            ("r", 0, "asks for r = 0"),
            ("r", True, "asks for r = True"),
            ("r", "8", "asks for r = '8'"),
            ("r", 257, "r = 257"),
            ("lora_alpha", 0, "lora_alpha = 0"),
            ("lora_alpha", -4, "lora_alpha = -4"),
            ("lora_alpha", float("inf"), "is no JSON"),
            ("lora_dropout", 1, "lora_dropout = 1"),
            ("lora_dropout", "0", "lora_dropout = '0'"),
            ("target_modules", [], "no target module"),
            ("target_modules", "query", "sets target_modules"),
            ("target_modules", ["../query"], "only plain dotted names"),
            ("target_modules", 5, "wrong type"),
            ("modules_to_save", [], "no target module or no head"),
            ("modules_to_save", ["nothing"], "names head nothing"),
            ("peft_type", "LOHA", "sets peft_type"),
            ("task_type", "TOKEN_CLS", "sets task_type"),
            ("task_type", "CAUSAL_LM", "no target module or no head, or a head that a causal model has already"),
            ("bias", "all", "sets bias"),
            ("use_dora", True, "one of them says DoRA"),
            ("use_rslora", True, "sets use_rslora"),
            ("inference_mode", False, "sets inference_mode"),
            ("fan_in_fan_out", True, "sets fan_in_fan_out"),
            ("auto_mapping", {"parent_library": "os"}, "sets auto_mapping"),
            ("layers_pattern", "(a+)+$", "sets layers_pattern"),
            ("rank_pattern", {"(a+)+$": 8}, "sets rank_pattern"),
            ("alpha_pattern", {"(a+)+$": 8}, "sets alpha_pattern"),
            ("exclude_modules", "(a+)+$", "sets exclude_modules"),
            ("init_lora_weights", "eva", "sets init_lora_weights"),
            ("layer_replication", [[0, 9]], "sets layer_replication"),
        ]
    },
    **{
        f"card {name} {value}": (change_card(**{name: value}), reason)
        for name, value, reason in [
            ("base_revision", "0" * 40, "trained with base_revision"),
            ("tokenizer_digest", "0" * 64, "trained with tokenizer_digest"),
            ("preprocessing", "none/0", "trained with preprocessing"),
            ("family", "causal", "describes schema"),
            ("method", "merge", "describes schema"),
            ("schema", 2, "describes schema 2"),
            ("labels", ["one"], "two distinct labels"),
            ("labels", ["a", "a", "b"], "two distinct labels"),
            ("labels", ["a", "b"], "with 2 logits for each of its prompts"),
            ("labels", "ab", "wrong type"),
            ("max_tokens", 4, "max_tokens = 4"),
            ("max_tokens", True, "max_tokens = True"),
            ("prompt", "be brief", "describes schema"),
            ("note", "x", "other keys than"),
            ("calibration", {"method": "temperature", "temperature": 0}, "calibration that cannot be used"),
        ]
    },
    "infinite": (
        change_tensors(
            lambda tensors: tensors.update({first(tensors, "lora_B"): np.full_like(tensors[first(tensors, "lora_B")], np.inf)})
        ),
        "not finite",
    ),
    "half floats": (
        change_tensors(lambda tensors: tensors.update({k: v.astype(np.float16) for k, v in tensors.items()})),
        "expected float32",
    ),
    "transposed": (
        change_tensors(
            lambda tensors: tensors.update(
                {first(tensors, "query.lora_A"): np.ascontiguousarray(tensors[first(tensors, "query.lora_A")].T)}
            )
        ),
        "expected float32",
    ),
    "empty weights": (lambda folder: (folder / WEIGHTS).write_bytes(b""), "cut short"),
    "deep": (lambda folder: (folder / CONFIG).write_text("[" * 100_000), "is no JSON"),
    "code": (lambda folder: (folder / "handler.py").write_text("boom"), "no part of an adapter"),
    "folder": (lambda folder: (folder / "more").mkdir(), "no part of an adapter"),
    "nan card": (lambda folder: (folder / "ratchet.json").write_text('{"schema": NaN}'), "is no JSON"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_folder_that_is_not_exactly_an_adapter_is_refused(folder: Path, mutant: str) -> None:
    """Each planted defect is named before any weight is put to use, also under a fitting manifest."""
    plant, reason = MUTANTS[mutant]
    plant(folder)
    with pytest.raises(RatchetError, match=reason):
        load_predictor(folder)
    if mutant not in {"pickle", "link", "folder"}:
        content = {path.name: path.read_bytes() for path in folder.iterdir()}
        (folder / "manifest.json").write_bytes(make_manifest(content))
        with pytest.raises(RatchetError, match=reason):
            load_predictor(folder)


def refuses_every_damage(open_it: Callable[[], object], path: Path, cuts: int, flips: int) -> list[str]:
    """The damages of the file at `path` that are not refused: cut at `cuts` lengths, one bit flipped at `flips` places."""
    whole, draw, missed = path.read_bytes(), random.Random(11), []  # noqa: S311 - test data, guards nothing
    path.chmod(0o644)

    def attempt(content: bytes, what: str) -> None:
        path.write_bytes(content)
        with contextlib.suppress(RatchetError):
            open_it()
            missed.append(what)

    for length in draw.sample(range(len(whole)), min(cuts, len(whole))):
        attempt(whole[:length], f"cut at {length}")
    for place in draw.sample(range(len(whole) * 8), flips):
        content = bytearray(whole)
        content[place // 8] ^= 1 << place % 8
        attempt(bytes(content), f"bit {place}")
    path.write_bytes(whole)
    open_it()
    return missed


def damage_everything(store: AdapterStore, source: Path, share: int) -> None:
    """F11 with 2,000 cuts and 4,000 flips over all four files, divided by `share`."""
    digest = store.seal("tickets", source, ADDED)
    for name in (WEIGHTS, CONFIG, "ratchet.json", "manifest.json"):
        path = store.open("tickets", digest) / name
        assert refuses_every_damage(lambda: store.open("tickets", digest), path, 500 // share, 1000 // share) == [], name


def test_any_damage_of_a_sealed_adapter_is_refused(store: AdapterStore, source: Path) -> None:
    """F11, a tenth of it: any length, any bit."""
    damage_everything(store, source, 10)


@pytest.mark.faults
def test_any_damage_of_a_sealed_adapter_is_refused_6000_times(store: AdapterStore, source: Path) -> None:
    """F11 in full."""
    damage_everything(store, source, 1)


def test_a_store_that_does_not_hash_misses_damage(plant: Callable[..., Any], store: AdapterStore, source: Path) -> None:
    """F11's mutant: structure alone sees a cut file, not a flipped weight."""
    mutant = plant(adapter_folder, "if form.MANIFEST in files else {}", "if False else {}")
    folder = store.open("tickets", store.seal("tickets", source, ADDED))
    assert refuses_every_damage(lambda: mutant.read_folder(folder), folder / WEIGHTS, 0, 50) != []


def test_an_adapter_that_is_swapped_after_it_was_verified_is_not_loaded(store: AdapterStore, source: Path) -> None:
    """F13: another valid adapter takes the folder between the look and the load; the bytes that are loaded are what is named."""
    first, second = (store.seal("tickets", source, {"max_tokens": size}) for size in (20, 21))
    verified, other = store.open("tickets", first), store.open("tickets", second)
    verified.rename(verified.with_name("aside"))
    other.rename(verified)
    with pytest.raises(RatchetError, match="is not the content that its name says"):
        load_predictor(verified)


def race(store: AdapterStore, source: Path, read: Callable[[Path], dict[str, bytes]], reads: int) -> int:
    """How many of `reads` gave bytes of another adapter than the folder is named by, while two adapters change places."""
    first, second = (store.seal("tickets", source, {"max_tokens": size}) for size in (20, 21))
    folder = store.open("tickets", first)
    other, aside = folder.with_name(second), folder.with_name("aside")
    done, wrong, whole = threading.Event(), 0, 0

    def swap() -> None:
        while not done.is_set():
            for _ in range(2):  # twice: each is back in its place at the end
                for old, new in ((folder, aside), (other, folder), (aside, other)):
                    old.rename(new)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        while whole + wrong < reads:
            with contextlib.suppress(RatchetError, OSError):
                content = read(folder)
                right = form.content_digest(content) == first
                whole, wrong = whole + right, wrong + (not right)
    finally:
        done.set()
        swapping.join()
    return wrong


@pytest.mark.faults
def test_a_race_of_swaps_loads_no_other_bytes_1000_times(store: AdapterStore, source: Path) -> None:
    """F13 in full: a thousand successful reads while another thread swaps the folder as fast as it can."""
    assert race(store, source, read_folder, 1000) == 0


def test_a_race_of_swaps_loads_no_other_bytes(store: AdapterStore, source: Path, plant: Callable[..., Any]) -> None:
    """F13, short; its mutant looks at the manifest only, and reads the other adapter's bytes."""
    assert race(store, source, read_folder, 40) == 0
    mutant = plant(adapter_folder, "if digest is not None and digest != folder.name and DIGEST.fullmatch(folder.name)", "if False")
    assert any(race(store, source, mutant.read_folder, 40) for _ in range(20)), "on a busy machine the swaps come late"


def test_what_is_no_part_of_a_card_cannot_be_added(store: AdapterStore, source: Path) -> None:
    """Additions are card fields with card values."""
    for additions in ({"note": "x"}, {"labels": ["one"]}, {"max_tokens": 10**9}):
        with pytest.raises(RatchetError):
            store.seal("tickets", source, additions)
    assert store.digests("tickets") == []
