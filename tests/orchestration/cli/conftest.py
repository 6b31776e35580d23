"""What the command's tests share: a home with one small classifier, and one cycle that really ran in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from orchestration.cli.app import main
from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier

WEEK = date(2026, 1, 5)


@dataclass(frozen=True)
class Answer:
    """What one call gave back."""

    code: int
    out: str
    err: str


Call = Callable[..., Answer]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the command in this process."""

    def run(*words: object) -> Answer:
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def execute() -> Call:
    """Run the command as a process of its own, without a terminal: `execute(*words, stdin=b"", NAME="environment")`."""

    def run(*words: object, stdin: bytes = b"", **environment: str) -> Answer:
        command = [sys.executable, "-m", "orchestration.cli.app", *map(str, words)]
        done = subprocess.run(command, input=stdin, capture_output=True, env={**os.environ, **environment}, check=False)
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    return run


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> SmallClassifier:
    """One week of logs and corrections, and a golden set, as files that no home has seen."""
    small = SmallClassifier(Home(tmp_path_factory.mktemp("files")))
    small.write()
    small.write_week(WEEK)
    return small


@pytest.fixture(scope="session")
def made_home(files: SmallClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with classifier `tickets` (amber, green, violet) and its golden set, without rows. Copy it to change
    it."""
    home = tmp_path_factory.mktemp("made") / "home"
    assert main(["--home", str(home), "init", "tickets", "--labels-from", str(files.home.golden("small"))]) == 0
    return home


@pytest.fixture
def home(made_home: Path, tmp_path: Path) -> Path:
    """A copy of `made_home` to do with as one likes."""
    return Path(shutil.copytree(made_home, tmp_path / "home"))


@pytest.fixture(scope="session")
def ran(
    made_home: Path, files: SmallClassifier, execute: Call, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Answer]:
    """A home in which a week of `tickets` was ingested and its cycle run by the real command, and what that said."""
    root = Path(shutil.copytree(made_home, tmp_path_factory.mktemp("ran") / "home"))
    spec = root / "tickets" / "classifier.toml"
    head, _, probe = spec.read_text().split("\n[[candidate]]")
    spec.write_text(f"{head}\n[[candidate]]{probe}")
    logs, corrections = (
        files.home.landing("small", kind) / f"{WEEK}.jsonl" for kind in ("production_logs", "corrections")
    )
    taken = execute("--home", root, "ingest", "tickets", "--logs", logs, "--corrections", corrections)
    assert taken.code == 0, taken.err
    return root, execute("--home", root, "cycle", "tickets", "--week", "latest")


@pytest.fixture
def ran_home(ran: tuple[Path, Answer], tmp_path: Path) -> Path:
    """A copy of the home whose cycle ran."""
    return Path(shutil.copytree(ran[0], tmp_path / "ran"))
