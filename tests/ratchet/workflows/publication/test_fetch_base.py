"""A base of the Hub comes by commit, whole, without anything that runs, and only when it is asked for."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.models.base_models import base_folder, resolve_base
from ratchet.models.causal import load_causal
from ratchet.models.hub_cache import parse_hub_name
from ratchet.testing.hub.faults import Fault
from ratchet.testing.hub.server import LocalHub
from ratchet.testing.tiny_causal import write_tiny_causal
from ratchet.workflows.publication.download import check_room
from ratchet.workflows.publication.fetch_base import fetch_base

pytestmark = pytest.mark.slow

REPO = "org/tiny"
STRANGERS = {
    "pytorch_model.bin": b"pickle",
    "modeling_own.py": b"import os",
    "onnx/model.onnx": b"x",
    "README.md": b"# no",
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny causal base."""
    return write_tiny_causal(tmp_path_factory.mktemp("model"), ["my card never arrived"], chat=True)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LocalHub]:
    """A Hub with large-file storage, which this process and its children take for the Hub; the cache is empty."""
    with LocalHub(large_files=True) as started:
        for name, value in {
            **started.environment,
            "HF_HOME": str(tmp_path / "hf"),
            "RATCHET_CACHE": str(tmp_path),
        }.items():
            monkeypatch.setenv(name, value)
        yield started


def push(hub: LocalHub, model: Path, *, private: bool = False, leave: str = "") -> str:
    """Push the model beside files that no base needs; the base's name at that commit. The branch moves on
    afterwards."""
    files = {path.name: path.read_bytes() for path in model.iterdir() if path.name != leave}
    name = f"{REPO}@{hub.push(REPO, {**files, **STRANGERS}, private=private).oid}"
    hub.push(REPO, {"config.json": b"{}"})
    return name


def test_a_base_comes_by_commit_and_is_the_same_content_as_its_folder(hub: LocalHub, model: Path) -> None:
    """What the commit holds, not the branch; nothing that runs; a private one by its token; its digest is that of the
    folder."""
    name, said = push(hub, model, private=True), list[str]()
    with pytest.raises(RatchetError, match="is not on this machine") as missing:
        resolve_base(name)
    assert f"ratchet fetch-base {name}" in missing.value.hint
    assert not hub.requests
    folder = fetch_base(name, said.append)
    assert sorted(path.name for path in folder.iterdir()) == sorted(path.name for path in model.iterdir())
    assert len(said) == len(list(model.iterdir()))
    assert resolve_base(name).revision == resolve_base(str(model)).revision
    assert base_folder(name) == folder
    assert load_causal(folder).config.model_type == "llama"
    asked = len(hub.requests)
    assert fetch_base(name, said.append) == folder
    assert len(hub.requests) == asked


def test_a_changed_file_is_refused(hub: LocalHub, model: Path) -> None:
    """Also one that decides nothing but the chat template, and one that came beside."""
    name = push(hub, model)
    folder = fetch_base(name, lambda line: None)
    config = folder / "config.json"
    before = config.read_bytes()
    config.write_bytes(before + b"\n")
    for call in (resolve_base, lambda name: fetch_base(name, lambda line: None)):
        with pytest.raises(RatchetError, match=r"differs from what was fetched: config\.json") as refused:
            call(name)
        assert refused.value.code == "bad_base"
    config.write_bytes(before)
    assert resolve_base(name).name == name
    (folder / "added_tokens.json").write_text("{}")
    with pytest.raises(RatchetError, match=r"added_tokens\.json"):
        resolve_base(name)


def test_a_killed_fetch_goes_on(hub: LocalHub, model: Path) -> None:
    """Killed while the weights come: no base lies there, and the next call asks only for what is missing."""
    name = push(hub, model)
    hub.fail(Fault("resolve", "hang", skip=2 * sum(path.name < "model.safetensors" for path in model.iterdir())))
    command = [sys.executable, "-m", "orchestration.cli.app", "fetch-base", name]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if "model.safetensors" in line:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with pytest.raises(RatchetError, match="is not on this machine"):
        resolve_base(name)
    hub.requests.clear()
    fetch_base(name, lambda line: None)
    assert resolve_base(name).revision == resolve_base(str(model)).revision
    gone = {path.rpartition("/")[2] for method, path in hub.requests if method == "GET" and "resolve" in path}
    assert "model.safetensors" in gone
    assert "config.json" not in gone
    assert [path.name for path in parse_hub_name(name).place.parent.iterdir() if path.name.endswith(".stage")] == []


@pytest.mark.parametrize(
    ("fault", "overcome"),
    [
        (Fault("resolve", "halve", skip=1), True),
        (Fault("resolve", "hang"), True),
        (Fault("tree", "refuse", 429), True),
        (Fault("tree", "refuse", 403), False),
    ],
)
def test_trouble_is_overcome_or_told(
    hub: LocalHub, model: Path, monkeypatch: pytest.MonkeyPatch, fault: Fault, overcome: bool
) -> None:
    """Half of a file, silence, or too many requests, once each: the client asks again, and waits for nobody for
    ever."""
    monkeypatch.setenv("HF_HUB_DOWNLOAD_TIMEOUT", "1")
    monkeypatch.setenv("HF_HUB_ETAG_TIMEOUT", "1")
    name = push(hub, model)
    hub.fail(fault)
    if not overcome:
        with pytest.raises(RatchetError, match="did not deliver 'org/tiny'") as told:
            fetch_base(name, lambda line: None)
        assert "it goes on where it stopped" in told.value.hint
    fetch_base(name, lambda line: None)
    assert [met.kind for met in hub.faults.met] == [fault.kind]
    assert resolve_base(name).revision == resolve_base(str(model)).revision


@pytest.mark.parametrize(
    ("leave", "said"),
    [
        ("model.safetensors", r"no model\.safetensors, but pytorch_model\.bin: a pickle may run code"),
        ("tokenizer.json", r"no tokenizer\.json"),
        ("config.json", r"no config\.json"),
    ],
)
def test_what_is_no_base_is_refused_before_anything_comes(hub: LocalHub, model: Path, leave: str, said: str) -> None:
    """Only the list of files was asked for."""
    name = push(hub, model, leave=leave)
    with pytest.raises(RatchetError, match=said):
        fetch_base(name, lambda line: None)
    assert not [path for method, path in hub.requests if "resolve" in path]


def test_bytes_that_the_hub_does_not_list_are_refused(hub: LocalHub, model: Path) -> None:
    """The weights' own digest stands in the list of files; others of the same size never become a base."""
    name = push(hub, model)
    repository = hub.repositories[REPO]
    sha = repository.head.files["model.safetensors"]
    right = repository.blobs[sha]
    repository.blobs[sha] = right[:-1] + bytes([right[-1] ^ 1])
    with pytest.raises(RatchetError, match=r"model\.safetensors differs from what the Hub lists"):
        fetch_base(name, lambda line: None)
    repository.blobs[sha] = right
    fetch_base(name, lambda line: None)
    assert resolve_base(name).revision == resolve_base(str(model)).revision


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"HF_TOKEN": ""}, "hub_denied"),
        ({"HF_TOKEN": "hf_wrong"}, "hub"),
        ({"HF_HUB_OFFLINE": "1"}, "offline"),
        ({"commit": "0" * 40}, "no_commit"),
        ({"repo": "org/none"}, "hub_denied"),
    ],
)
def test_what_cannot_be_had_is_said_in_a_sentence(
    hub: LocalHub, model: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], code: str
) -> None:
    """No token, a wrong one, no network wanted, no such commit or repository; the token is never repeated."""
    name = push(hub, model, private=True)
    for variable in set(change) & set(os.environ):
        monkeypatch.setenv(variable, change[variable])
    repo, commit = name.split("@")
    with pytest.raises(RatchetError) as refused:
        fetch_base(f"{change.get('repo', repo)}@{change.get('commit', commit)}", lambda line: None)
    assert refused.value.code == code
    assert refused.value.hint
    assert "hf_" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("org/name", "no_commit"),
        ("org/name@main", "no_commit"),
        ("org/name@v1.0", "no_commit"),
        ("org/name@" + "a" * 39, "no_commit"),
        ("org/name@" + "A" * 40, "no_commit"),
        ("org/name@" + "a" * 40 + "\n", "no_commit"),
        ("org/../name@" + "a" * 40, "no_base"),
        ("org/..@" + "a" * 40, "no_base"),
        ("org/a--b@" + "a" * 40, "no_base"),
        ("datasets/org/name@" + "a" * 40, "no_base"),
        ("https://huggingface.co/org/name@" + "a" * 40, "no_base"),
    ],
)
def test_only_a_repository_and_a_whole_commit_name_a_base(name: str, code: str) -> None:
    """A branch or a tag moves; other names never become a path."""
    for call in (base_folder, parse_hub_name):
        refused: Callable[[str], object] = call
        with pytest.raises(RatchetError) as error:
            refused(name)
        assert error.value.code == code
        assert error.value.hint


def test_what_a_library_prints_is_not_taken_for_an_answer(
    hub: LocalHub, model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Before the first document and after the last: words, and JSON that is no object."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text(
        "import atexit\nprint('hello\\n[1]')\natexit.register(print, 'bye\\n0')\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'own'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    name, said = push(hub, model), list[str]()
    fetch_base(name, said.append)
    assert len(said) == len(list(model.iterdir()))


LOADERS = """
import sys
from pathlib import Path
addresses = []
sys.addaudithook(lambda event, arguments: event in {"socket.connect", "socket.getaddrinfo"} and addresses.append(event))
from ratchet.models.base_models import base_folder, resolve_base
from ratchet.models.causal import empty_causal, load_causal
from ratchet.models.encoders import empty_classifier, hidden_size_of, load_classifier, load_encoder, pad_id_of
from ratchet.models.prompt_tokenizer import open_tokenizer
from ratchet.models.tokenization import load_tokenizer
causal, encoder = resolve_base(sys.argv[1]).folder, base_folder("all-MiniLM-L6-v2")
for load in (load_causal, empty_causal, open_tokenizer):
    load(causal)
for load in (load_encoder, pad_id_of, hidden_size_of):
    load(encoder)
load_classifier(encoder, 3), empty_classifier(encoder, 3), load_tokenizer(encoder, 64)
print(len(addresses))
from huggingface_hub import HfApi
HfApi().model_info("org/tiny")
print(len(addresses) > 0)
"""


def test_what_was_fetched_is_loaded_without_a_request(hub: LocalHub, model: Path) -> None:
    """Also where nothing forbids the network: no loader of a base opens a connection; the same process could."""
    name = push(hub, model)
    fetch_base(name, lambda line: None)
    requests = len(hub.requests)
    done = subprocess.run([sys.executable, "-c", LOADERS, name], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "True"]
    assert ("GET", "/api/models/org/tiny") in hub.requests[requests:]


def test_room_is_needed_only_for_what_is_still_to_come(tmp_path: Path) -> None:
    """A whole file and the beginning of another lie there already, and a base that never fits is told."""
    part = tmp_path / ".cache" / "huggingface" / "download" / "b.incomplete"
    part.parent.mkdir(parents=True)
    huge = 1 << 42  # of holes: no byte of it is on the disk
    for path in (tmp_path / "a", part):
        with path.open("wb") as file:
            file.truncate(huge)
    check_room(tmp_path, {"a": huge, "b": huge + 1})
    with pytest.raises(RatchetError, match=r"4398\.0 GB are still to be downloaded"):
        check_room(tmp_path, {"a": huge, "b": huge, "c": huge})
