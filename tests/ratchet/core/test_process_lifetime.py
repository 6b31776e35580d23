"""A process of one job ends with its exit code, after its threads and handlers, and without freeing its memory."""

import gc
import subprocess
import sys

import pytest

from ratchet.core.process_lifetime import freeze_imports

JOB = """
import atexit, gc, os, sys, threading, time
from ratchet.core.process_lifetime import freeze_imports, run_process

class Kept:
    def __del__(self): os.write(1, b"freed ")

def main():
    global kept
    kept = Kept()
    atexit.register(print, "handler", end=" ")
    threading.Thread(target=lambda: (time.sleep(0.05), print("thread", end=" "))).start()
    BODY

run_process(main)
"""


def run(body: str) -> subprocess.CompletedProcess[str]:
    """Run a process whose job ends with `body`."""
    return subprocess.run(
        [sys.executable, "-c", JOB.replace("BODY", body)], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("body", "code", "output"),
    [
        ("return 0", 0, "thread handler "),
        ("return 3", 3, "thread handler "),
        ("raise ValueError('its own way')", 1, "thread handler freed "),
        ("sys.exit(4)", 4, "thread handler freed "),
        ("sys.stdout = open('/dev/full', 'w'); return 0", 120, ""),
    ],
)
def test_a_process_ends_with_its_code_after_its_threads_and_handlers(body: str, code: int, output: str) -> None:
    """Buffered output is written; memory is freed one by one only after an exception; a full disk is an error."""
    done = run(body)
    assert (done.returncode, done.stdout) == (code, output)
    assert ("its own way" in done.stderr) == ("its own way" in body)


def test_garbage_is_collected_as_usual_once_the_imports_are_frozen() -> None:
    """Seldom while all is loaded, normally in the loop after it; another process is left alone."""
    body = "a = gc.get_threshold(); freeze_imports(); print(a, gc.get_threshold(), gc.get_freeze_count() > 0); return 0"
    usual = subprocess.run(
        [sys.executable, "-c", "import gc; print(gc.get_threshold())"], capture_output=True, text=True, check=True
    )
    assert run(body).stdout.startswith(f"(50000, 20, 10) {usual.stdout.strip()} True")
    before = gc.get_freeze_count()
    freeze_imports()
    assert gc.get_freeze_count() == before
