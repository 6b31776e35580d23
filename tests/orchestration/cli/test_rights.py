"""Nothing that the commands write is readable by others, and the group gets what the home's folder gives it."""

import json
import os
import stat
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from orchestration.cli.app import main
from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier

pytestmark = pytest.mark.slow  # real steps of a cycle, or one process after another

COMMANDS = (
    ("init", "another", "--labels", "a,b"),
    ("ingest", "small"),
    ("key", "app", "--scope", "classify"),
    ("status",),
    ("cycle", "small", "--week", "2026-01-05", "--plan"),
    ("doctor",),
)
SCRIPT = """
import json, os, sys
os.umask(0)
from orchestration.cli.app import main
print([main(["--home", sys.argv[1], *words]) for words in json.loads(sys.argv[2])], file=sys.stderr)
"""


@pytest.mark.parametrize(("home_mode", "group"), [(0o700, 0o000), (0o750, 0o050), (0o770, 0o070)])
def test_files_have_the_rights_of_their_home(tmp_path: Path, home_mode: int, group: int) -> None:
    """Whatever the umask of the shell: nothing gives others anything, nor the group more than the home does."""
    home = Home(tmp_path / "home")
    small = SmallClassifier(home)
    small.write()
    small.write_week(date(2026, 1, 5))
    (home.landing(small.name, "production_logs") / "bad.jsonl").write_text('{"request_id": "r"}\n')
    before = set(home.root.rglob("*"))
    home.root.chmod(home_mode)
    command = [sys.executable, "-c", SCRIPT, str(home.root), json.dumps(COMMANDS)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ), check=False)
    assert "[0, 3, 0, 0, 0, " in done.stderr, done.stderr
    made = {path: stat.S_IMODE(path.lstat().st_mode) for path in set(home.root.rglob("*")) - before}
    assert len(made) > 10
    assert {str(path): oct(mode) for path, mode in made.items() if mode & (0o007 | 0o070 & ~group)} == {}
    shared = [path for path, mode in made.items() if mode & 0o040]
    assert bool(shared) is bool(group)


def test_serve_without_keys_prints_the_two_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And ends with 1: a home that lost its keys is not open."""
    home = Home(tmp_path / "home")
    SmallClassifier(home).write()
    assert main(["--home", str(home.root), "serve", "--port", "0"]) == 1
    said = capsys.readouterr().err
    assert "has no keys" in said
    assert "ratchet key NAME --scope classify" in said
    assert "ratchet serve --open" in said
    assert main(["--home", str(home.root), "serve", "--open", "--host", "0.0.0.0", "--port", "0"]) == 1  # noqa: S104
    assert "open on loopback only" in capsys.readouterr().err
