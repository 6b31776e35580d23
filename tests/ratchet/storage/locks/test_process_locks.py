"""One process at a time: others wait and say for whom, a killed holder's lock is free, and no core is burnt."""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ratchet.storage.locks.process_locks import hold_lock

HOLDER = """
import sys
from pathlib import Path
from ratchet.storage.locks.process_locks import hold_lock
with hold_lock(Path(sys.argv[1]), "the training of tickets", print):
    print("held", flush=True)
    sys.stdin.read()
"""

FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))"


def ignore(sentence: str) -> None:
    """Take a sentence and do nothing with it."""


@contextmanager
def another_process(path: Path, first: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Process that holds the lock until its standard input closes, or until it is killed."""
    command = [sys.executable, "-c", first + HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def end(process: subprocess.Popen[bytes]) -> None:
    """Let the holder end by itself."""
    assert process.stdin is not None
    process.stdin.close()


@pytest.mark.parametrize("leave", [end, subprocess.Popen.kill], ids=["ends", "is killed"])
def test_the_next_process_waits_for_the_holder_and_says_for_whom(
    tmp_path: Path, leave: Callable[[subprocess.Popen[bytes]], None]
) -> None:
    """One sentence with work and process; the lock is free however the holder ends."""
    path, said = tmp_path / "training.lock", list[str]()
    with another_process(path) as holder:

        def hear(sentence: str) -> None:
            said.append(sentence)
            leave(holder)

        with hold_lock(path, "the training of forms", hear):
            assert said == [f"waiting for the training of tickets (process {holder.pid}) to end"]


def test_a_process_shares_its_own_lock_and_gives_it_back_once(tmp_path: Path) -> None:
    """The command holds what its run holds again; another process gets it only after both."""
    path = tmp_path / "cycle.lock"
    with hold_lock(path, "outer", ignore), hold_lock(path, "inner", pytest.fail):
        pass
    with another_process(path) as holder:
        assert holder.poll() is None


def test_waiting_burns_no_core_and_can_be_interrupted(tmp_path: Path) -> None:
    """Two thirds of a second of waiting cost less than a tenth of processor time; nothing stays open."""
    path = tmp_path / "cycle.lock"
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite run in the background ignores it
    with another_process(path):
        open_before, before = len(list(Path("/proc/self/fd").iterdir())), resource.getrusage(resource.RUSAGE_SELF)
        timer = threading.Timer(0.66, lambda: os.kill(os.getpid(), 2))
        timer.start()
        with pytest.raises(KeyboardInterrupt), hold_lock(path, "mine", ignore):
            pytest.fail("the lock is held by another process")
        timer.join()
        signal.signal(signal.SIGINT, former)
        after = resource.getrusage(resource.RUSAGE_SELF)
        assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.1
        assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    """Who can write the folder must not make us write elsewhere."""
    (tmp_path / "other").write_text("precious")
    (tmp_path / "cycle.lock").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic links"), hold_lock(tmp_path / "cycle.lock", "mine", ignore):
        pytest.fail("the link was followed")
    assert (tmp_path / "other").read_text() == "precious"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff\xfe"])
def test_a_lock_whose_text_is_torn_still_holds(tmp_path: Path, content: bytes) -> None:
    """The name of the holder is lost, nothing else."""
    path, said = tmp_path / "cycle.lock", list[str]()
    with another_process(path) as holder:
        path.write_bytes(content)

        def hear(sentence: str) -> None:
            said.append(sentence)
            end(holder)

        with hold_lock(path, "mine", hear):
            assert said == ["waiting for another process to end"]


def test_a_lock_is_held_where_nothing_can_be_written(tmp_path: Path) -> None:
    """As on a full disk: others wait for a process without a name."""
    path, said = tmp_path / "cycle.lock", list[str]()
    with another_process(path, FULL) as holder:

        def hear(sentence: str) -> None:
            said.append(sentence)
            end(holder)

        with hold_lock(path, "mine", hear):
            assert said == ["waiting for another process to end"]
