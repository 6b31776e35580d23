"""A training opens no key of the home: not by Python's calls, and, where the kernel hides them, not by any other."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ratchet.core.closed_files import KEYS
from ratchet.storage.home import Home

TRIES = """
import os, shutil, subprocess, sys
from pathlib import Path

def try_all(path):
    copy = path.with_name("copy")
    ways = {
        "open": lambda: open(path).read(), "bytes": lambda: open(os.fsencode(path), "rb").read(),
        "descriptor": lambda: os.read(os.open(path, os.O_RDONLY), 99),
        "by another name": lambda: open(path.parent / "small" / ".." / path.name).read(),
        "a link": lambda: (os.symlink(path, copy), open(copy).read())[1],
        "a second name": lambda: (os.link(path, copy), open(copy).read())[1],
        "a copy": lambda: shutil.copyfile(path, copy).read_text(),
        "another process": lambda: subprocess.run(["/bin/cat", str(path)], capture_output=True).stdout,
        "a new name": lambda: (os.rename(path, copy), open(copy).read())[1],
    }
    for way, read in ways.items():
        copy.unlink(missing_ok=True)
        try:
            print(way, "read" if b"sesame" in (found if isinstance(found := read(), bytes) else found.encode()) else "")
        except OSError as error:
            print(way, type(error).__name__)
"""


@pytest.fixture
def keys(tmp_path: Path) -> list[Path]:
    """The keys of a home."""
    (tmp_path / "small" / "training" / "work").mkdir(parents=True)
    found = [tmp_path / name for name in KEYS]
    for path in found:
        path.write_text("sesame")
        path.chmod(0o600)
    return found


def run(code: str, *words: str) -> list[str]:
    """Lines that a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()


def test_the_names_are_those_of_the_home(tmp_path: Path) -> None:
    """Of the two private keys, and of the secret behind request ids."""
    home = Home(tmp_path)
    assert {home.gate_key.name, home.signing_key.name, home.secret.name} == set(KEYS)


def test_no_call_of_python_opens_a_closed_key(keys: list[Path], tmp_path: Path) -> None:
    """By any name; what another process then sees depends on the kernel, and the result says which."""
    work = str(tmp_path / "small" / "training" / "work")
    closing = f"from ratchet.core.closed_files import close_keys\nhidden = close_keys(Path({work!r}))\nprint(hidden)\n"
    hidden, *told = run(f"{TRIES}{closing}try_all(Path(sys.argv[1]))", str(keys[0]))
    outcome = dict(line.rsplit(" ", 1) for line in told)
    another = outcome.pop("another process")
    assert set(outcome.values()) <= {"PermissionError"}
    assert len(outcome) == 8
    assert another == ("" if hidden == "True" else "read")
    assert all(path.read_text() == "sesame" for path in keys)
    open_to_us = dict(line.rsplit(" ", 1) for line in run(f"{TRIES}try_all(Path(sys.argv[1]))", str(keys[1])))
    assert set(open_to_us.values()) == {"read"}


@pytest.mark.slow
def test_the_process_of_a_training_has_closed_them_before_it_reads_its_plan(keys: list[Path], tmp_path: Path) -> None:
    """T17: supervisor, worker and second process begin by this very line; tried from within, as it opens its plan."""
    work, answer = tmp_path / "small" / "training" / "work", tmp_path / "answer"
    (work / "plan.json").write_text("{")
    (tmp_path / "sitecustomize.py").write_text(
        f"""
import sys
tried = []
def hook(event, details):
    if event == "open" and str(details[0]).endswith("plan.json") and not tried:
        tried.append(event)
        try:
            found = open({str(keys[0])!r}).read()
        except PermissionError:
            found = "refused"
        open({str(answer)!r}, "w").write(found)
sys.addaudithook(hook)
"""
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])}
    done = subprocess.run(
        [sys.executable, "-m", "ratchet.training", str(work)], env=environment, capture_output=True, check=False
    )
    assert done.returncode != 0  # there is no plan
    assert answer.read_text() == "refused"
