"""A silent process is ended by the kernel, even inside C code; one that gives signs of life is not."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import TRAINING_SILENCE_S
from ratchet.training.supervision.watchdog import SILENCE, read_silence

pytestmark = pytest.mark.slow

Plant = Callable[[str, str, str], dict[str, str]]
BEGIN = """
import ctypes, pathlib, signal, sys
from ratchet.training.supervision.watchdog import start_watchdog, heartbeat
in_c_code = ctypes.PyDLL(None).usleep  # it keeps the interpreter's lock: no Python runs meanwhile
start_watchdog(1.5, pathlib.Path(sys.argv[1]))
"""
HANG = BEGIN + "in_c_code(4_000_000)"
WORK = BEGIN + "for _ in range(40):\n    in_c_code(100_000)\n    heartbeat()"
LONG = BEGIN + "heartbeat(times=100)\nassert signal.getitimer(signal.ITIMER_REAL)[0] > 100"
NEVER = BEGIN.replace("1.5", "0") + "assert signal.getitimer(signal.ITIMER_REAL)[0] == 0"


def run(program: str, folder: Path, **environment: str) -> int:
    """The return code of a program in a process of its own, which was told to ignore SIGALRM."""
    ignored = (
        "import os, signal, sys; signal.signal(signal.SIGALRM, signal.SIG_IGN); os.execv(sys.executable, sys.argv[1:])"
    )
    command = [sys.executable, "-c", ignored, sys.executable, "-c", program, str(folder)]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def test_a_hang_in_c_code_is_ended_and_says_where(tmp_path: Path) -> None:
    """Fault F31: the return code is SIGALRM's, and the file names the line."""
    assert run(HANG, tmp_path) == -14
    assert 'File "<string>", line 6 in <module>' in (tmp_path / "silent.txt").read_text()


@pytest.mark.parametrize("program", [WORK, LONG, NEVER], ids=["work", "long", "never"])
def test_signs_of_life_keep_a_process_alive(program: str, tmp_path: Path) -> None:
    """Four seconds of work under a silence of one and a half; a step that asks for longer; no limit at all."""
    assert run(program, tmp_path) == 0


@pytest.mark.parametrize(
    ("old", "new", "program", "returncode"),
    [
        ("signal.SIGALRM, signal.SIG_DFL", "signal.SIGALRM, lambda *_: heartbeat()", HANG, 0),
        (
            "    if _Heart.silence_s:",
            "    if _Heart.silence_s and not signal.getitimer(signal.ITIMER_REAL)[0]:",
            WORK,
            -14,
        ),
        ("chain=True", "chain=False", HANG, 0),
        ("signal.signal(signal.SIGALRM, signal.SIG_DFL)", "pass", HANG, 0),
    ],
    ids=["noticed by Python", "never counted anew", "traced only", "left ignored"],
)
def test_a_heart_that_does_not_beat_is_noticed(
    old: str, new: str, program: str, returncode: int, tmp_path: Path, plant_in_copy: Plant
) -> None:
    """F31's mutants: the hang runs to its end, or the work is ended."""
    assert run(program, tmp_path, **plant_in_copy("ratchet/training/supervision/watchdog.py", old, new)) == returncode


@pytest.mark.parametrize(("asked", "found"), [("", TRAINING_SILENCE_S), ("7.5", 7.5), ("0", 0.0)])
def test_the_silence_is_a_setting(asked: str, found: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes, unless the environment says otherwise."""
    monkeypatch.setenv(SILENCE, asked)
    assert read_silence() == found


@pytest.mark.parametrize("asked", ["soon", "-1", "inf", "nan"])
def test_a_silence_that_is_no_time_is_refused(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the value and the cure."""
    monkeypatch.setenv(SILENCE, asked)
    with pytest.raises(RatchetError, match=rf"is '{asked}', not a number of seconds\. hint: Unset it, or set 120\."):
        read_silence()
