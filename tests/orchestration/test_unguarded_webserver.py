"""A webserver without our guard is recognised by its command line, and the code below it says so once."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.unguarded_webserver import WARNING, is_unguarded

PYTHON = "/home/a/.venv/bin/python"
COMMANDS = {
    "/home/a/.venv/bin/dagster dev -w workspace.yaml": True,
    f"{PYTHON} -m dagster dev": True,
    f"{PYTHON} /home/a/.venv/bin/dg dev": True,
    f"{PYTHON} -m dagster_webserver --port 3000": True,
    "/home/a/.venv/bin/dagster-webserver -h 0.0.0.0": True,
    f"{PYTHON} -m orchestration.webserver -p 3000": False,
    f"{PYTHON} -m orchestration.dev": False,
    f"{PYTHON} -m dagster._daemon run": False,
    "/home/a/.venv/bin/dagster-daemon run": False,
    f"{PYTHON} -m dagster code-server start --socket /tmp/dev": False,
    f"{PYTHON} -m dagster api grpc -m orchestration.definitions": False,
    "/home/a/.venv/bin/ratchet cycle dev --week latest": False,
    "bash": False,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_dagsters_own_webserver_is_told_from_ours(command: str) -> None:
    """By the names in its command line, wherever it is installed; also where others stand above it."""
    assert is_unguarded([command.split()]) is COMMANDS[command]
    assert is_unguarded([["bash"], command.split(), []]) is COMMANDS[command]


@pytest.mark.parametrize(("name", "warnings"), [("dagster", 1), ("ratchet", 0)])
def test_code_below_it_says_so_once(tmp_path: Path, name: str, warnings: int) -> None:
    """By the real processes above it: one sentence with the command to use, at however many ticks."""
    code = "from orchestration.unguarded_webserver import warn_once; warn_once(); warn_once()"
    script = tmp_path / name
    script.write_text(f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {code!r}], check=True)")
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, str(script), "dev"], cwd=root, capture_output=True, check=True)
    assert done.stderr.decode().count(WARNING) == warnings
