"""Every command on a home that the operating system has broken: one sentence with path and fix, and no half move."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ratchet.storage.home import Home
from ratchet.testing.homes import SmallClassifier, keep_receipts
from ratchet.workflows.rollout.reconcile import record

pytestmark = pytest.mark.slow

SCRIPT, ROOT = Path(__file__).with_name("broken_systems.py"), Path(__file__).parents[3]
FIRST, SECOND = "a" * 64, "b" * 64
SAID = {"ts": "2026-01-05T10:00:00+00:00", "actor": "test", "why": "test", "week": "2026-01-05"}
WRITING = {"init", "ingest", "cycle", "advance", "hold", "rollback", "key"}
READING = {"status", "doctor", "ingest", "cycle", "advance", "hold", "rollback", "policy", "predict", "verify"}
KINDS: dict[str, tuple[str, set[str]]] = {
    "denied": ("lacks the right", WRITING),
    "hidden": ("lacks the right", READING),
    "read-only": ("its file system is read-only", WRITING),
    "full": ("is full", WRITING),
    "damaged": ("reports an input/output error", READING),
    "few files": ("may open no more", {"cycle"}),
}
"""Part of the sentence, and the commands that need what is broken."""


@pytest.fixture
def break_home(tmp_path: Path) -> Callable[[str], dict[str, Any]]:
    """Break a home with a rollout under way, and run every command on it; what each answered."""
    home, mount = Home(tmp_path / "home"), tmp_path / "disk"
    small = SmallClassifier(home)
    small.write()
    small.write_week(date(2026, 1, 5))
    for action, adapter, percent in (("promote", FIRST, 0), ("shadow", SECOND, 0), ("step", SECOND, 25)):
        receipts = {} if percent else keep_receipts(home, "small", "2026-01-05", adapter)
        record(home, "small", action=action, adapter=adapter, percent=percent, receipts=receipts, **SAID)
    mount.mkdir()
    enter = ["unshare", "--map-root-user", "--mount"]
    try:
        tried = subprocess.run([*enter, "mount", "-t", "tmpfs", "none", str(mount)], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no unshare on PATH: a small disk cannot be mounted")
    if tried.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {tried.stderr.decode().strip()}")

    def run(kind: str) -> dict[str, Any]:
        command = [*enter, sys.executable, str(SCRIPT), kind, str(home.root), str(mount)]
        done = subprocess.run(
            command,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


@pytest.mark.parametrize(
    "kind", [kind if kind == "read-only" else pytest.param(kind, marks=pytest.mark.faults) for kind in KINDS]
)
def test_each_command_says_what_the_system_refuses(break_home: Callable[[str], dict[str, Any]], kind: str) -> None:
    """No command ends in "something unexpected"; ledger and flag agree, whatever was tried."""
    found = break_home(kind)
    answers: dict[str, tuple[int, str]] = found["answers"]
    assert {name: said for name, (_, said) in answers.items() if "unexpected" in said or "Traceback" in said} == {}
    assert {name: code for name, (code, _) in answers.items() if code not in (0, 1, 2, 64)} == {}
    sentence, needing = KINDS[kind]
    refused = {name for name, (code, said) in answers.items() if code == 1 and sentence in said}
    assert needing - refused == set(), answers
    assert all("\nhint: " in answers[name][1] for name in refused)
    metadata = found["flag"]["flags"]["small"]["metadata"]
    assert metadata["ledger_sequence"] == found["entries"]
