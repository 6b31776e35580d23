"""`ratchet publish`: asks before it goes to the network, is private, blocks what must not leave, and reads back what it
did."""

import json
import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ratchet.storage.home import Home
from ratchet.storage.registry.publications import Publications
from ratchet.testing.homes import WORDS, write_publishable
from ratchet.testing.hub.server import LocalHub
from ratchet.testing.tiny_encoder import write_tiny_encoder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder that knows the words of the golden set."""
    return write_tiny_encoder(tmp_path_factory.mktemp("base"), [word for words in WORDS.values() for word in words])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalHub]:
    """A Hub that this process takes for the real one."""
    with LocalHub() as started:
        for name, value in started.environment.items():
            monkeypatch.setenv(name, value)
        yield started


@pytest.fixture
def digest(hub: LocalHub, base: Path, tmp_path: Path) -> str:
    """A home whose classifier may publish one adapter to `me/small`, on a base that the Hub holds too."""
    sha = hub.push("org/base", base).oid
    publish = f'repo = "me/small"\nbase_model = "org/base"\nbase_revision = "{sha}"'
    return write_publishable(Home(tmp_path / "home"), base, publish=publish)


def test_it_publishes_once_reads_back_and_raises_the_alarm(
    call: Any, hub: LocalHub, digest: str, tmp_path: Path
) -> None:
    """Published for its owner alone, found again without a second revision; a stranger's push is told with exit code 1
    (T12).

    The token, and nothing that was made of it, is in any file of the home.
    """
    asked = ("--home", tmp_path / "home", "publish", "small", "--adapter", digest[:8])
    refused = call(*asked)
    assert (refused.code, hub.requests) == (1, [])
    assert "nothing was changed" in refused.err
    first = call(*asked, "--yes", "--json")
    assert first.code == 0, first.err
    said = json.loads(first.out)
    repository = hub.repositories["me/small"]
    assert (said["made"], said["commit"], said["tag"]) == (True, repository.head.oid, "2026-01-05")
    assert (repository.private, repository.tags) == (True, {"2026-01-05": said["commit"]})
    again = call(*asked, "--yes")
    assert again.out.startswith("already published: ")
    assert len(repository.commits) == 2
    checked = call("--home", tmp_path / "home", "publish", "small", "--check")
    assert (checked.code, checked.out.count("ok ")) == (0, 2)
    repository.commit({"adapter_model.safetensors": b"a stranger's"}, title="improved")
    alarm = call("--home", tmp_path / "home", "publish", "small", "--check")
    assert alarm.code == 1
    assert "which this home did not publish" in alarm.out
    assert "Serving is not affected: no adapter is loaded from the Hub." in alarm.err
    assert not Home(tmp_path / "home").flags.exists()
    told = [first.out, first.err, again.out, again.err, checked.out, alarm.out, alarm.err]
    assert not [text for text in told if hub.token in text]
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and hub.token.encode() in path.read_bytes()]


def test_what_must_not_leave_blocks_before_anything_is_sent(
    call: Any, hub: LocalHub, digest: str, tmp_path: Path
) -> None:
    """Exit code 2, with the place and the kind, never with the thing itself."""
    spec = Home(tmp_path / "home").spec("small")
    spec.write_text(spec.read_text().replace("Made for tests.", "Ask jane.doe@shop.example, password: hunter22."))
    said = call("--home", tmp_path / "home", "publish", "small", "--adapter", digest, "--yes")
    assert said.code == 2
    assert "EMAIL in README.md line" in said.err
    assert "password in README.md line" in said.err
    assert "jane" not in said.err + said.out
    assert "hunter22" not in said.err + said.out
    assert hub.requests == []


def test_mistakes_are_named(
    call: Any, hub: LocalHub, digest: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing live, no terms, a word that is no commit, no token; and the Hub is asked nothing."""
    home = Home(tmp_path / "home")
    asked = ("--home", home.root, "publish", "small", "--yes")
    assert "live" in call(*asked).err
    assert call(*asked, "--adapter", digest, "--parent", "main").code == 64
    assert "is not a repository" in call(*asked, "--adapter", digest, "--repo", "../small").err
    spec = home.spec("small")
    spec.write_text(spec.read_text().replace('licence = "apache-2.0"', ""))
    assert "publish.licence is not set" in call(*asked, "--adapter", digest).err
    monkeypatch.delenv("HF_TOKEN")
    assert "HF_TOKEN is not set" in call(*asked, "--adapter", digest).err
    assert "nothing of small has been published" in call("--home", home.root, "publish", "small", "--check").out
    assert hub.requests == []


def test_an_adapter_that_a_gate_did_not_let_pass_is_not_published(
    call: Any, hub: LocalHub, digest: str, tmp_path: Path
) -> None:
    """Exit code 2: what may not serve here goes nowhere else."""
    (Home(tmp_path / "home").root / "small" / "receipts" / "2026-01-05" / "leakage.json").unlink()
    said = call("--home", tmp_path / "home", "publish", "small", "--adapter", digest, "--yes")
    assert (said.code, hub.requests) == (2, [])
    assert "no verdict of leakage" in said.err
    assert Publications(Home(tmp_path / "home")).all("small") == []


def test_on_a_terminal_it_asks(hub: LocalHub, digest: str, tmp_path: Path) -> None:
    """And sends nothing when the answer is no."""
    child, terminal = pty.fork()
    if not child:
        words = ["--home", str(tmp_path / "home"), "publish", "small", "--adapter", digest, "--public"]
        os.execv(sys.executable, [sys.executable, "-m", "orchestration.cli.app", *words])  # noqa: S606
    said = b""
    while b"[y/N]" not in said:
        said += os.read(terminal, 1000)
    os.write(terminal, b"n\n")
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert b"FOR EVERYONE" in said
    assert os.waitstatus_to_exitcode(status) != 0
    assert hub.requests == []
