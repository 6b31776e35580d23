"""An adapter is sealed whole, found by its digest, and refused once anything in it changed."""

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.errors import RatchetError
from ratchet.metrics.calibration import Calibration
from ratchet.models.adapters import folder as adapter_folder
from ratchet.models.adapters import format as form
from ratchet.models.adapters.folder import read_folder
from ratchet.models.adapters.format import make_manifest
from ratchet.models.inference.predictor import load_predictor
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.adapters.hostile import HOSTILE

ADDED = {"calibration": Calibration("temperature", 1.5, accepted=True, reason="better").as_json()}
WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
SEAL = """
import sys
from pathlib import Path
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.storage.home import Home
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
    assert {oct(path.stat().st_mode & 0o333) for path in sealed.iterdir()} == {"0o0"}
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
    with pytest.raises(RatchetError, match="does not have the content that its name states"):
        store.open("tickets", first)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_folder_that_is_not_exactly_an_adapter_is_not_served(folder: Path, hostile: str) -> None:
    """Each planted defect is named before any weight is put to use, also under a fitting manifest."""
    way = HOSTILE[hostile]
    way.spoil(folder)
    with pytest.raises(RatchetError, match=way.pattern):
        load_predictor(folder)
    if way.sealed:
        content = {path.name: path.read_bytes() for path in folder.iterdir()}
        (folder / "manifest.json").write_bytes(make_manifest(content))
        with pytest.raises(RatchetError, match=way.pattern):
            load_predictor(folder)


def refuses_every_damage(open_it: Callable[[], object], path: Path, cuts: int, flips: int) -> list[str]:
    """The damages of the file at `path` that are not refused: cut at `cuts` lengths, one bit flipped at `flips`
    places."""
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
        assert refuses_every_damage(lambda: store.open("tickets", digest), path, 500 // share, 1000 // share) == [], (
            name
        )


def test_any_damage_of_a_sealed_adapter_is_refused(store: AdapterStore, source: Path) -> None:
    """F11, a tenth of it: any length, any bit."""
    damage_everything(store, source, 10)


@pytest.mark.faults
def test_any_damage_of_a_sealed_adapter_is_refused_6000_times(store: AdapterStore, source: Path) -> None:
    """F11 in full."""
    damage_everything(store, source, 1)


def test_a_store_that_does_not_hash_misses_damage(plant: Callable[..., Any], store: AdapterStore, source: Path) -> None:
    """F11's mutant: structure alone sees a cut file, not a flipped weight."""
    mutant = plant(adapter_folder, "if form.MANIFEST in files\n", "if False\n")
    folder = store.open("tickets", store.seal("tickets", source, ADDED))
    assert refuses_every_damage(lambda: mutant.read_folder(folder), folder / WEIGHTS, 0, 50) != []


def test_an_adapter_that_is_swapped_after_it_was_verified_is_not_loaded(store: AdapterStore, source: Path) -> None:
    """F13: another valid adapter takes the folder between the look and the load; the bytes that are loaded are what is
    named."""
    first, second = (store.seal("tickets", source, {"max_tokens": size}) for size in (20, 21))
    verified, other = store.open("tickets", first), store.open("tickets", second)
    verified.rename(verified.with_name("aside"))
    other.rename(verified)
    with pytest.raises(RatchetError, match="does not have the content that its name states"):
        load_predictor(verified)


def race(store: AdapterStore, source: Path, read: Callable[[Path], dict[str, bytes]], reads: int) -> int:
    """How many of `reads` gave bytes of another adapter than the folder is named by, while two adapters change
    places."""
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
    mutant = plant(
        adapter_folder, "if digest is not None and digest != folder.name and DIGEST.fullmatch(folder.name)", "if False"
    )
    assert any(race(store, source, mutant.read_folder, 40) for _ in range(20)), "on a busy machine the swaps come late"


def test_what_is_no_part_of_a_card_cannot_be_added(store: AdapterStore, source: Path) -> None:
    """Additions are card fields with card values."""
    for additions in ({"note": "x"}, {"labels": ["one"]}, {"max_tokens": 10**9}):
        with pytest.raises(RatchetError):
            store.seal("tickets", source, additions)
    assert store.digests("tickets") == []
