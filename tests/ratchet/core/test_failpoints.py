"""Failpoints do nothing unless asked, and only under names that are listed and used."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ratchet.core.failpoints import NAMES, REACHED, VARIABLE, FailpointError, failpoint, unreached

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
PACKAGE = ROOT / "ratchet"
SUITE = """
import os, subprocess, sys
import pytest
from ratchet.core.failpoints import NAMES
@pytest.mark.parametrize("name", NAMES[{first}:])
def test_kill(name):
    environment = {{**os.environ, "RATCHET_FAILPOINT": name + ":kill"}}
    command = [sys.executable, "-c", f"from ratchet.core.failpoints import failpoint; failpoint('{{name}}')"]
    assert subprocess.run(command, env=environment).returncode == -9
"""


def test_unset_a_failpoint_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when another one is wanted."""
    monkeypatch.delenv(VARIABLE, raising=False)
    failpoint(NAMES[0])
    monkeypatch.setenv(VARIABLE, f"{NAMES[1]}:kill")
    failpoint(NAMES[0])


def test_a_name_that_is_not_listed_is_an_error_as_soon_as_failpoints_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo is found by the first crash test."""
    monkeypatch.setenv(VARIABLE, "landing.after_lunch:kill")
    with pytest.raises(ValueError, match="is not listed"):
        failpoint("landing.after_lunch")


def test_every_listed_name_is_called_somewhere_and_every_call_is_listed() -> None:
    """The list is what tests enumerate: neither dead names nor hidden lines."""
    calls = set()
    for path in PACKAGE.rglob("*.py"):
        calls |= set(re.findall(r'\bfailpoint\("([^"]+)"\)', path.read_text(encoding="utf-8")))
    assert calls == set(NAMES)


def test_an_action_is_one_of_four(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk, a fault that nobody foresaw, a delay; a kill needs a process of its own, and everything else is a
    typo."""
    name = NAMES[0]
    for action, error in (("enospc", OSError), ("raise", FailpointError), ("explode", ValueError), ("", ValueError)):
        monkeypatch.setenv(VARIABLE, f"{name}:{action}")
        with pytest.raises(error):
            failpoint(name)
    monkeypatch.setenv(VARIABLE, f"{name}:sleep:30")
    started = time.monotonic()
    failpoint(name)
    assert time.monotonic() - started >= 0.03
    command = [sys.executable, "-c", f"from ratchet.core.failpoints import failpoint; failpoint({name!r})"]
    killed = subprocess.run(command, env={"PYTHONPATH": str(ROOT), VARIABLE: f"{name}:kill"}, check=False)
    assert killed.returncode == -signal.SIGKILL


def test_a_failpoint_that_acts_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And only that one."""
    monkeypatch.setenv(REACHED, str(tmp_path))
    monkeypatch.setenv(VARIABLE, f"{NAMES[0]}:sleep:0")
    for name in NAMES[:2]:
        failpoint(name)
    assert unreached(tmp_path) == list(NAMES[1:])


@pytest.mark.parametrize("first", [0, 1])
def test_a_whole_run_that_kills_nothing_at_some_name_fails(tmp_path: Path, first: int) -> None:
    """A suite with our conftest.py kills at every name, or at all but the first: then the run fails and says which."""
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_suite.py").write_text(SUITE.format(first=first))
    (tmp_path / "tests" / "conftest.py").write_bytes((ROOT / "tests" / "conftest.py").read_bytes())
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST", "RATCHET"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == first, done.stdout
    assert (f"failpoints that no test reached: {NAMES[0]}" in done.stdout) == bool(first)
