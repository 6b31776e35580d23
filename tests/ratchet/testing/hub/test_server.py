"""The local Hub: the real client of the Hub cannot tell it from the Hub, and every planted fault arrives as it would
from there."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ratchet.testing.hub.faults import Fault
from ratchet.testing.hub.server import LocalHub

pytestmark = pytest.mark.slow

HEADER = """
import json, sys, warnings
import httpx2
from huggingface_hub import CommitOperationAdd, HfApi, hf_hub_download, set_client_factory, snapshot_download
from huggingface_hub.errors import HfHubHTTPError
set_client_factory(lambda: httpx2.Client(timeout=2.0, follow_redirects=True))
api = HfApi()
def commit(files, parent=None):
    added = [CommitOperationAdd(name, content.encode()) for name, content in files.items()]
    return api.create_commit("org/thing", added, commit_message="by the client", parent_commit=parent).oid
def attempt(call):
    try:
        return call()
    except (HfHubHTTPError, httpx2.TransportError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        return [type(error).__name__, status]
"""


@pytest.fixture
def hub() -> Iterator[LocalHub]:
    """A Hub without repositories."""
    with LocalHub() as started:
        yield started


@pytest.fixture
def client(tmp_path: Any) -> Callable[..., Any]:
    """Run lines with the real client in a process of its own; what they leave in `said` comes back."""

    def run(hub: LocalHub, lines: str, **environment: str) -> Any:
        own = {"HF_HOME": str(tmp_path / "hf"), **hub.environment, **environment}
        own = {name: value for name, value in own.items() if value}
        base = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
        done = subprocess.run(
            [sys.executable, "-c", f"{HEADER}\n{lines}\nprint(json.dumps(said))"],
            env={**base, **own},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


ROUND = """
api.create_repo("org/thing", private=True)
api.create_repo("org/thing", private=True, exist_ok=True)
first = api.repo_info("org/thing").sha
README = "---\\nlicense: mit\\n---\\nhello"
second = commit({"README.md": README, "a.txt": "one", "w.safetensors": "weights"}, first)
again = commit({"a.txt": "one", "w.safetensors": "weights"}, second)
api.create_tag("org/thing", tag="2026-01-05", revision=second)
third = commit({"a.txt": "two"}, second)
folder = snapshot_download("org/thing", revision=second)
said = {
    "same": again == second,
    "files": sorted(api.list_repo_files("org/thing", revision=third)),
    "tags": {each.name: each.target_commit == second for each in api.list_repo_refs("org/thing").tags},
    "commits": [each.commit_id for each in api.list_repo_commits("org/thing")] == [third, second, first],
    "old": open(folder + "/a.txt").read() + open(folder + "/w.safetensors").read(),
    "new": open(hf_hub_download("org/thing", "a.txt", revision="main")).read(),
    "stale": attempt(lambda: commit({"a.txt": "three"}, second)),
    "taken": attempt(lambda: api.create_tag("org/thing", tag="2026-01-05", revision=third)),
    "exists": [api.file_exists("org/thing", "a.txt"), api.file_exists("org/thing", "b.txt"),
        api.repo_exists("org/none")],
    "private": api.repo_info("org/thing").private,
    "stranger": attempt(lambda: HfApi(token=False).repo_info("org/thing")),
    "thief": attempt(lambda: HfApi(token="hf_wrong").repo_info("org/thing")),
}
"""


@pytest.mark.parametrize("large_files", [False, True])
def test_the_real_client_creates_commits_tags_and_downloads(client: Callable[..., Any], large_files: bool) -> None:
    """Everything that publishing and loading ask of a Hub works, also where weights go by way of large-file storage."""
    with LocalHub(large_files=large_files) as hub:
        said = client(hub, ROUND)
    assert said == {
        "same": True,
        "files": [".gitattributes", "README.md", "a.txt", "w.safetensors"],
        "tags": {"2026-01-05": True},
        "commits": True,
        "old": "oneweights",
        "new": "two",
        "stale": ["HfHubHTTPError", 412],
        "taken": ["HfHubHTTPError", 409],
        "exists": [True, False, False],
        "private": True,
        "stranger": ["RepositoryNotFoundError", 401],
        "thief": ["HfHubHTTPError", 401],
    }


def test_a_pushed_folder_can_be_loaded_by_its_commit(hub: LocalHub, client: Callable[..., Any]) -> None:
    """A base model that somebody put there is found by 40 digits, also after its branch moved on."""
    first = hub.push("org/base", {"config.json": b"{}", "sub/x.txt": b"x"}).oid
    hub.push("org/base", {"config.json": b"[]"})
    said = client(
        hub, f"said = open(snapshot_download('org/base', revision={first!r}) + '/config.json').read()", HF_TOKEN=""
    )
    assert said == "{}"
    assert {path for method, path in hub.requests if "resolve" in path} == {
        f"/org/base/resolve/{first}/{name}" for name in (".gitattributes", "config.json", "sub/x.txt")
    }


def test_a_tree_shows_folders_and_what_is_in_them_only_when_that_is_asked_for(
    hub: LocalHub, client: Callable[..., Any]
) -> None:
    """As the Hub does: a folder has no size, and the files below it come with `recursive` alone."""
    hub.push("org/base", {"a.txt": b"a", "sub/deep/x.txt": b"x"})
    ask = "[[type(each).__name__, each.path] for each in api.list_repo_tree('org/base', recursive={})]"
    plain, deep = client(hub, f"said = [{ask.format(False)}, {ask.format(True)}]")
    root = [["RepoFile", ".gitattributes"], ["RepoFile", "a.txt"]]
    assert sorted(plain) == sorted([*root, ["RepoFolder", "sub"]])
    assert sorted(deep) == sorted(
        [*root, ["RepoFolder", "sub"], ["RepoFolder", "sub/deep"], ["RepoFile", "sub/deep/x.txt"]]
    )


@pytest.mark.parametrize(
    ("fault", "answer", "committed"),
    [
        (Fault("commit", "refuse", 412), ["HfHubHTTPError", 412], 0),
        (Fault("commit", "refuse", 429), ["HfHubHTTPError", 429], 0),
        (Fault("commit", "lose", 500), ["HfHubHTTPError", 500], 1),
        (Fault("commit", "hang"), ["ReadTimeout", None], 1),
        (Fault("commit", "drop"), ["RemoteProtocolError", None], 1),
        (Fault("commit", "cut"), ["RemoteProtocolError", None], 0),
        (Fault("commit", "halve", 500), ["HfHubHTTPError", 500], 1),
        (Fault("commit", "overtake"), ["HfHubHTTPError", 412], 1),
    ],
)
def test_planted_faults_reach_the_client_as_they_would(
    hub: LocalHub, client: Callable[..., Any], fault: Fault, answer: list[Any], committed: int
) -> None:
    """An answer that says no may hide a commit, and does so as often as it is planted: once."""
    before = hub.push("org/thing", {"a.txt": b"one"})
    hub.fail(fault)
    files = {"a.txt": "two", "b.txt": "x"}
    assert client(hub, f"said = attempt(lambda: commit({files!r}, {before.oid!r}))") == answer
    repository = hub.repositories["org/thing"]
    assert len(repository.commits) == 2 + committed
    assert hub.faults.met == [fault]
    halved = fault.kind == "halve"
    assert ("b.txt" in repository.head.files) is (committed == 1 and not halved and fault.kind != "overtake")


def test_a_download_that_ends_early_is_finished_by_the_client(hub: LocalHub, client: Callable[..., Any]) -> None:
    """Half of the bytes come, the client asks for the rest, and the whole is what was stored."""
    sha = hub.push("org/thing", {"w.safetensors": b"0123456789" * 1000}).oid
    hub.fail(Fault("resolve", "halve", skip=1))
    said = client(hub, f"said = len(open(hf_hub_download('org/thing', 'w.safetensors', revision={sha!r})).read())")
    assert said == 10_000


def test_it_can_be_started_for_a_dry_run() -> None:
    """It prints what another shell needs, answers, and ends well when it is asked to."""
    code = "from huggingface_hub import HfApi; print(HfApi().create_repo('org/dry', private=True).repo_id)"
    with subprocess.Popen([sys.executable, "-m", "ratchet.testing.hub"], stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        said = dict(started.stdout.readline().strip().removeprefix("export ").split("=", 1) for _ in range(4))
        ask = [sys.executable, "-c", code]
        made = subprocess.run(ask, env={**os.environ, **said}, capture_output=True, text=True, timeout=120, check=False)
        started.terminate()
    assert (made.stdout.strip(), started.returncode) == ("org/dry", 0), made.stderr
