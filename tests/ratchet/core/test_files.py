"""A crash at any instant leaves the old content or the new, never half."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ratchet.core.files import append_line, write_atomically, write_json

WRITE = """
import sys
from pathlib import Path
from ratchet.core.files import write_atomically
print("ready", flush=True)
turn = 0
while True:
    turn += 1
    write_atomically(Path(sys.argv[1]), (b"%06d" % turn) * 50_000)
"""
TRACED = """
import os, signal, sys
from pathlib import Path
from ratchet.core.files import write_atomically
left = int(sys.argv[2])
def count(event, arguments):
    global left
    if event in ("open", "os.rename"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
write_atomically(Path(sys.argv[1]), b"new")
os._exit(0)
"""


def test_a_writer_killed_at_random_leaves_whole_content(tmp_path: Path) -> None:
    """Five real processes that write 300 kB over and over, killed in the middle: every byte is of one turn."""
    path = tmp_path / "file"
    path.write_bytes(b"000000" * 50_000)
    for turn in range(5):
        writer = subprocess.Popen([sys.executable, "-c", WRITE, str(path)], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        writer.stdout.readline()
        threading.Event().wait(0.01 + 0.013 * turn)
        writer.kill()
        assert writer.wait(timeout=60) == -signal.SIGKILL
        writer.stdout.close()
        content = path.read_bytes()
        assert content == content[:6] * 50_000


def test_a_writer_killed_before_each_of_its_operations_leaves_old_or_new(tmp_path: Path) -> None:
    """Killed at its first, second ... opening or renaming of a file, until one run survives."""
    outcomes = []
    for operation in range(1, 10):
        path = tmp_path / f"{operation}"
        path.write_bytes(b"old")
        code = subprocess.run([sys.executable, "-c", TRACED, str(path), str(operation)], check=False).returncode
        outcomes.append((code, path.read_bytes()))
        if code == 0:
            break
    assert outcomes[-1] == (0, b"new")
    assert {content for _, content in outcomes} == {b"old", b"new"}
    assert len(outcomes) >= 4, "stage, fsync, rename and the folder's fsync"
    assert all(code == -signal.SIGKILL for code, _ in outcomes[:-1])


def test_a_failed_write_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    """NaN is refused before anything is opened; a folder in the way after."""
    path = tmp_path / "deep" / "file.json"
    write_json(path, {"ü": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"a": float("nan")})
    (tmp_path / "folder").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(tmp_path / "folder", b"x")
    assert path.read_text(encoding="utf-8") == '{\n  "ü": 1\n}\n'
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["deep", "file.json", "folder"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b"new\n"),
        (b"", b"new\n"),
        (b"one\n", b"one\nnew\n"),
        (b"one\ntorn", b"one\nnew\n"),
        (b"torn", b"new\n"),
        (b"one\n" + b"t" * 200_000, b"one\nnew\n"),
        (b"o" * 65536 + b"\n" + b"t" * 65536, b"o" * 65536 + b"\nnew\n"),
    ],
)
def test_a_line_is_appended_after_the_last_whole_line(tmp_path: Path, before: bytes | None, after: bytes) -> None:
    """A torn tail of any length is cut first; a missing file is made, with its folder."""
    path = tmp_path / "log" / "lines"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before)
    append_line(path, "new")
    assert path.read_bytes() == after


def test_two_threads_may_write_one_file_at_once(tmp_path: Path) -> None:
    """Each stages under a name of its own; the file is always whole, and nothing else is left."""
    path, contents = tmp_path / "file", (b"a" * 100_000, b"b" * 100_000)
    failures: list[Exception] = []

    def write(content: bytes) -> None:
        try:
            for _ in range(30):
                write_atomically(path, content)
        except OSError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert path.read_bytes() in contents
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
