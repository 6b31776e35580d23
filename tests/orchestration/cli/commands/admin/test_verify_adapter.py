"""`ratchet verify-adapter`: an adapter that somebody else made is taken at no word, tried where it can do nothing, and
not kept."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.models.adapters.format import CARD, CONFIG
from ratchet.storage.home import Home
from ratchet.storage.registry.adapters import AdapterStore
from ratchet.testing.adapters.corruptions import WEIGHTS, change_card, change_config, change_tensors
from ratchet.testing.homes import WORDS, SmallClassifier, write_publishable
from ratchet.testing.hub.faults import Fault
from ratchet.testing.hub.server import LocalHub
from ratchet.testing.tiny_encoder import write_tiny_encoder
from ratchet.workflows.publication.prepare import prepare

pytestmark = pytest.mark.slow

CONFINED = """
import socket
from ratchet.core.sandbox import confine
print(confine(4 * 10**9, 60))
for what in (lambda: socket.create_connection(("127.0.0.1", PORT), timeout=5), lambda: open("FILE", "wb").write(b"x"
    * 2_000_000),
             lambda: bytearray(8 * 10**9)):
    try:
        what()
        print("done")
    except (OSError, MemoryError) as error:
        print(type(error).__name__)
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder that knows the words of the golden set."""
    return write_tiny_encoder(tmp_path_factory.mktemp("base"), [word for words in WORDS.values() for word in words])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, base: Path) -> tuple[Home, str]:
    """Another team's home, and the digest of what it may publish."""
    home = Home(tmp_path_factory.mktemp("theirs"))
    return home, write_publishable(
        home, base, publish=f'repo = "me/small"\nbase_model = "org/base"\nbase_revision = "{"a" * 40}"'
    )


@pytest.fixture(scope="module")
def published(made: tuple[Home, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the other team publishes."""
    folder = tmp_path_factory.mktemp("published")
    for name, content in prepare(made[0], "small", made[1]).files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A home with a classifier of the same labels, and nothing else."""
    SmallClassifier(Home(tmp_path / "ours")).write()
    return tmp_path / "ours"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A Hub with large-file storage that this process takes for the real one."""
    with LocalHub(large_files=True) as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


def test_a_published_adapter_is_fetched_by_commit_looked_at_and_tried(
    call: Any, hub: LocalHub, published: Path, base: Path, ours: Path
) -> None:
    """The commit and not the branch; its labels, its canary and the golden set here; and no home holds anything new
    afterwards."""
    sha = hub.push("me/small", published, private=True).oid
    hub.push("me/small", {WEIGHTS: b"a stranger's"})
    before = sorted(ours.rglob("*"))
    done = call("--home", ours, "verify-adapter", f"me/small@{sha}", "--for", "small", "--base", base, "--json")
    assert done.code == 0, done.err
    said = json.loads(done.out)
    assert (said["holds"], said["labels"], said["method"]) == (True, list(WORDS), "lora")
    assert [each["what"] for each in said["findings"]] == ["commit", "form", "receipt", "canary", "golden set"]
    assert said["figures"]["texts"] == 30
    assert 0 <= said["figures"]["accuracy"] <= 1
    assert sorted(ours.rglob("*")) == before
    assert hub.token not in done.out + done.err


def test_a_sealed_folder_is_known_by_its_digest(call: Any, made: tuple[Home, str], base: Path, ours: Path) -> None:
    """A copy of what another home sealed: the digest that is told is the one that it has there."""
    sealed = AdapterStore(made[0]).open("small", made[1])
    refused = call("--home", ours, "verify-adapter", sealed)
    assert refused.code == 2
    assert "another machine" in refused.err
    done = call("--home", ours, "verify-adapter", sealed, "--base", base)
    assert done.code == 0, done.err
    assert f"adapter {made[1][:12]} passed every check" in done.out


def double(folder: Path) -> None:
    """Let it answer otherwise, and say nothing of its judges."""
    change_tensors(lambda tensors: tensors[max(tensors)].__imul__(2))(folder)
    (folder / "receipt.json").unlink()


def spoil_receipt(folder: Path) -> None:
    """Let the receipt be of another adapter on another base."""
    (folder / "receipt.json").write_text(json.dumps({"adapter": "f" * 64, "base": {"content": "0" * 64}}))


HOSTILE: dict[str, tuple[Callable[[Path], object], str]] = {
    "labels in another order": (change_card(labels=[*reversed(WORDS)]), "in that order"),
    "numbers that answer otherwise": (double, "canary answers"),
    "rank above what is taken": (change_config(r=128, lora_alpha=128), "r = 128"),
    "alpha above four times r": (change_config(lora_alpha=9), "lora_alpha = 9"),
    "pickle": (lambda folder: (folder / "adapter_model.bin").write_bytes(b"\x80"), "not part of an adapter"),
    "weights of another": (change_tensors(lambda tensors: tensors[max(tensors)].__imul__(2)), "with other weights"),
    "receipt of another": (spoil_receipt, "its receipt is of adapter"),
    "revision that is a table": (change_config(revision={}), "a malformed base or revision"),
    "code in the settings": (change_config(auto_mapping={"parent_library": "os"}), "sets auto_mapping"),
    "settings of another shape": (lambda folder: (folder / CONFIG).write_text("[]"), "holds no settings"),
    "card of another shape": (lambda folder: (folder / CARD).write_text("7"), "other keys than"),
}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_what_is_not_exactly_an_adapter_is_refused(
    call: Any, published: Path, base: Path, ours: Path, tmp_path: Path, hostile: str
) -> None:
    """Exit code 2, with what was found."""
    spoil, said = HOSTILE[hostile]
    folder = Path(shutil.copytree(published, tmp_path / "copy"))
    spoil(folder)
    done = call("--home", ours, "verify-adapter", folder, "--for", "small", "--base", base)
    assert done.code == 2, done.err + done.out
    assert said in done.err
    assert "Nobody should load it" in done.err


def test_a_commit_with_anything_else_is_not_fetched(
    call: Any, hub: LocalHub, published: Path, base: Path, ours: Path
) -> None:
    """Code beside the adapter or in a folder, half of a file, a branch for a commit, a Hub that is silent."""
    for code in ("handler.py", "code/deep/handler.py"):
        sha = hub.push(
            f"me/code-{len(code)}",
            {**{path.name: path.read_bytes() for path in published.iterdir()}, code: b"import os"},
        ).oid
        done = call("--home", ours, "verify-adapter", f"me/code-{len(code)}@{sha}", "--base", base)
        assert (done.code, f"holds '{code}'" in done.err) == (2, True), done.err
    assert not any("resolve" in path for _, path in hub.requests)
    sha = hub.push("me/small", published).oid
    hub.fail(*[Fault("resolve", "halve")] * 20)
    assert call("--home", ours, "verify-adapter", f"me/small@{sha}", "--base", base).code == 1
    hub.faults.waiting.clear()
    for name in ("me/small@main", "me/small"):
        done = call("--home", ours, "verify-adapter", name, "--base", base)
        assert (done.code, "adapter 'me/small' names" in done.err, "Write me/small@<40" in done.err) == (
            1,
            True,
            True,
        ), done.err


def test_a_mistyped_path_accuses_no_adapter(call: Any, tmp_path: Path) -> None:
    """Exit code 1, and nobody is told to mistrust anything; a link is refused as ever, for it may lead anywhere."""
    (tmp_path / "home").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name, code, said in (
        ("nope", 1, "no such folder"),
        ("file", 1, "is a file"),
        ("link", 2, "Nobody should load it"),
    ):
        done = call("--home", tmp_path / "home", "verify-adapter", tmp_path / name)
        assert (done.code, said in done.err, "Nobody should" in done.err) == (code, True, code == 2), done.err


def test_what_is_tried_has_no_network_no_large_file_and_little_memory(hub: LocalHub, tmp_path: Path) -> None:
    """A process that is confined can connect to nobody, write no large file and take no more than it may."""
    script = CONFINED.replace("PORT", hub.endpoint.rpartition(":")[2]).replace("FILE", str(tmp_path / "written"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    cut, connected, written, taken = done.stdout.split()
    assert cut in {"True", "False"}
    assert (connected == "OSError") if cut == "True" else (connected == "PermissionError")
    assert (written, taken) == ("OSError", "MemoryError")
    assert hub.requests == []
