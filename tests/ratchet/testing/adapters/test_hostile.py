"""F12: whatever is not exactly an adapter is refused: at once, at no cost, and without anything of it having run."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ratchet.core.errors import RatchetError
from ratchet.models.adapters.format import MANIFEST, make_manifest
from ratchet.models.adapters.validation import validate_adapter
from ratchet.models.base_models import resolve_base
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.adapters.corruptions import change_card
from ratchet.testing.adapters.hostile import HOSTILE
from ratchet.testing.tiny_adapter import write_tiny_adapter

pytestmark = pytest.mark.slow

Opened = Mapping[str, list[dict[str, Any]]]
ROOM = 100_000_000
"""Bytes that a refusal may take."""
PLANTED = "import pathlib\npathlib.Path(__file__).with_name('ran').touch()\n"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, tiny_base: Path) -> Path:
    """An adapter of random weights, unsealed."""
    return write_tiny_adapter(
        tmp_path_factory.mktemp("good") / "a", resolve_base(str(tiny_base)), ("card", "money", "rate")
    )


@pytest.fixture(scope="module")
def open_all(tmp_path_factory: pytest.TempPathFactory, good: Path) -> Callable[[int], Opened]:
    """Plant every way, bare and under a manifest that fits, and open all of them so many times in a process that is
    watched."""

    def run(rounds: int) -> Opened:
        root = tmp_path_factory.mktemp("hostile")
        folders, names = [], {}
        for number, (name, hostile) in enumerate(HOSTILE.items()):
            for sealed in (False, True)[: 1 + hostile.sealed]:
                folder = Path(shutil.copytree(good, root / f"{number}{'-sealed' * sealed}"))
                hostile.spoil(folder)
                if sealed:
                    content = {path.name: path.read_bytes() for path in folder.iterdir()}
                    (folder / MANIFEST).write_bytes(make_manifest(content))
                names[folder.name] = name
                folders.append(folder)
        module = tmp_path_factory.mktemp("path") / "planted_module.py"
        module.write_text(PLANTED)
        command = [
            sys.executable,
            "-m",
            "ratchet.testing.adapters.load_monitor",
            str(ROOM),
            str(rounds),
            str(good),
            *map(str, folders),
        ]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), str(module.parent)])}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        assert not module.with_name("ran").exists()
        found: dict[str, list[dict[str, Any]]] = {}
        for line in done.stdout.splitlines():
            opening = json.loads(line)
            found.setdefault(names[opening["folder"]], []).append(opening)
        return found

    return run


@pytest.fixture(scope="module")
def once(open_all: Callable[[int], Opened]) -> Opened:
    """Every way, opened once."""
    return open_all(1)


def look(hostile: str, openings: list[dict[str, Any]]) -> None:
    """Each opening was refused for the reason that is there, within a second and 100 MB, and nothing ran."""
    for opening in openings:
        assert re.search(HOSTILE[hostile].pattern, opening["refused"] or "it opened"), opening
        assert opening["seconds"] <= 1, opening
        assert opening["extra_bytes"] <= ROOM, opening
        assert opening["events"] == [], opening


@pytest.mark.parametrize("hostile", HOSTILE)
def test_it_is_refused_at_once_at_no_cost_and_nothing_runs(once: Opened, hostile: str) -> None:
    """The defect is named before any weight is read, also under a fitting manifest; no code, no import, no connection,
    no file."""
    assert len(once[hostile]) == 1 + HOSTILE[hostile].sealed
    look(hostile, once[hostile])


@pytest.mark.faults
def test_it_is_refused_20_times_each(open_all: Callable[[int], Opened]) -> None:
    """F12 in full: the twentieth is as quick as the first, and leaves nothing behind."""
    found = open_all(20)
    for hostile, openings in found.items():
        look(hostile, openings)
    openings = [opening for each in found.values() for opening in each]
    slowest, largest = (
        max(opening["seconds"] for opening in openings),
        max(opening["extra_bytes"] for opening in openings),
    )
    print(f"{len(openings)} refusals: at most {slowest:.3f} s and {largest / 1e6:.1f} MB")  # noqa: T201 - the figure of the run


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("files.read_weights()", "MemoryError"),
        ("_ = files.name == 'large' and __import__('this')", "import this"),
        ("_ = files.name == 'large' and sum(1 for _ in range(9 * 10**7))", '"seconds": [1-9]'),
    ],
)
def test_the_watch_sees_what_it_looks_for(
    good: Path, tmp_path: Path, plant_in_copy: Callable[..., dict[str, str]], first: str, said: str
) -> None:
    """Its mutants: one that reads the weights before it has looked at their header, one that imports, one that takes
    its time."""
    large, warm = (Path(shutil.copytree(good, tmp_path / name)) for name in ("large", "warm"))
    for folder in (large, warm):
        HOSTILE["3 GB of numbers" if folder == warm else "1.9 GB of numbers"].spoil(folder)
    check = "check_header(files.header, expected)"
    environment = plant_in_copy("ratchet/models/adapters/validation.py", check, f"{first}; {check}")
    command = [
        sys.executable,
        "-m",
        "ratchet.testing.adapters.load_monitor",
        str(ROOM),
        "1",
        str(good),
        str(warm),
        str(large),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=120, check=False
    )
    assert re.search(said, done.stdout + done.stderr)


def test_what_only_its_digest_tells_apart_is_refused_under_another_name(good: Path, tmp_path: Path) -> None:
    """Labels in another order, or a longer text, are a well-formed adapter; under a sealed name they are not what it
    names."""
    store = AdapterStore(Home(tmp_path / "home"))
    sealed = store.open("tickets", store.seal("tickets", good, {}))
    for change in (change_card(labels=["money", "card", "rate"]), change_card(max_tokens=24)):
        shutil.rmtree(tmp_path / "changed", ignore_errors=True)
        folder = Path(shutil.copytree(good, tmp_path / "changed" / sealed.name))
        change(folder)
        validate_adapter(folder)
        content = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != MANIFEST}
        (folder / MANIFEST).write_bytes(make_manifest(content))
        with pytest.raises(RatchetError, match="does not have the content that its name states"):
            validate_adapter(folder)
        (folder / MANIFEST).write_bytes((sealed / MANIFEST).read_bytes())
        with pytest.raises(RatchetError, match=r"adapter files differ from their manifest: ratchet\.json"):
            validate_adapter(folder)


def test_a_folder_that_is_a_link_is_refused(good: Path, tmp_path: Path) -> None:
    """Whoever made the link may change where it leads."""
    (tmp_path / "link").symlink_to(good)
    with pytest.raises(RatchetError, match="is not an adapter folder"):
        validate_adapter(tmp_path / "link")
