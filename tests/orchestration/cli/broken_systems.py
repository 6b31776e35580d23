"""Run by `test_system_errors.py` in a mount namespace of its own: every command on a home that the system has broken.

`python broken_systems.py KIND HOME MOUNT` copies HOME to a small disk at MOUNT, breaks it and prints as JSON what each
command answered, and how many entries the ledger and the flag file had before and after.
"""

import contextlib
import ctypes
import io
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestration.cli.app import main
from orchestration.instance import prepare_dagster_home
from ratchet.storage.home import Home

WEEK = "2026-01-05"
WHY = ("--why", "complaints")
COMMANDS: dict[str, tuple[str, ...]] = {
    "status": ("status", "small"),
    "doctor": ("doctor",),
    "init": ("init", "another", "--labels", "a,b"),
    "ingest": ("ingest", "small"),
    "cycle": ("cycle", "small", "--week", WEEK),
    "cycle --plan": ("cycle", "small", "--week", WEEK, "--plan"),
    "report": ("report", "small"),
    "hold": ("hold", "small", *WHY),
    "kill": ("kill", "small", *WHY),
    "advance": ("advance", "small"),
    "rollback": ("rollback", "small", *WHY),
    "promote": ("promote", "small", *WHY),
    "policy": ("policy", "small", *WHY),
    "key": ("key", "app", "--scope", "classify"),
    "verify": ("verify", "small"),
    "keys": ("keys",),
    "serve": ("serve", "--open", "--port", "0", "--host", "256.0.0.1"),
    "predict": ("predict", "small", "--input", "in.jsonl", "--output", "out.jsonl"),
}
_DROP, _CAPSET, _VERSION = 24, {"x86_64": 126, "aarch64": 91}, 0x20080522
_OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: with them nothing is denied to root


def obey_rights() -> None:
    """Give up root's power to read and write whatever it likes, also in processes that this one starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in _OVERRIDES:
        libc.prctl(_DROP, capability, 0, 0, 0)
    header, data = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    syscall_get, syscall_set = _CAPSET[os.uname().machine] - 1, _CAPSET[os.uname().machine]
    assert libc.syscall(syscall_get, header, data) == 0
    for part in range(3):  # effective, permitted, inheritable
        data[part] &= ~sum(1 << capability for capability in _OVERRIDES)
    assert libc.syscall(syscall_set, header, data) == 0


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"x" * 4096)


def deny(root: Path) -> None:
    """Take every right to write, of files and folders."""
    for folder, _, files in os.walk(root):
        for name in files:
            (Path(folder) / name).chmod(0o400)
        Path(folder).chmod(0o500)
    obey_rights()


def hide(root: Path) -> None:
    """Take every right to read files; folders can be listed."""
    for folder, _, files in os.walk(root):
        for name in files:
            (Path(folder) / name).chmod(0o000)
    obey_rights()


def damage(root: Path) -> None:
    """Let every file fail with EIO when it is read: the kernel's answer to a read of the first page of a process."""
    for folder, _, files in os.walk(root):
        for name in files:
            path = Path(folder) / name
            kept = root.with_name("kept") / path.relative_to(root)
            kept.parent.mkdir(parents=True, exist_ok=True)
            path.rename(kept)
            path.symlink_to("/proc/self/mem")


@contextmanager
def few_files() -> Iterator[None]:
    """Leave four descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(20)]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(held) + 5, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for each in held:
            os.close(each)


def answer(root: Path, words: tuple[str, ...]) -> tuple[int, str]:
    """Exit code and messages of one command."""
    out, said = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(said):
        code = main(["--home", str(root), *words])
    return code, said.getvalue()


def run(kind: str, source: Path, mount: Path) -> dict[str, object]:
    """Break a copy of the home in one way and run every command on it."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(mount)], check=True)
    root = mount / "home"
    shutil.copytree(source, root)
    prepare_dagster_home(root / "dagster")
    os.chdir(mount)
    Path("in.jsonl").write_text('{"text": "refund"}\n')
    answer(root, ("status",))  # imports what it needs
    breaks: dict[str, Callable[[], object]] = {
        "denied": lambda: deny(root),
        "hidden": lambda: hide(root),
        "read-only": lambda: subprocess.run(["mount", "-o", "remount,ro", str(mount)], check=True),
        "full": lambda: fill(mount / "hog"),
        "damaged": lambda: damage(root),
        "few files": lambda: None,
    }
    breaks[kind]()
    answers = {}
    for name, words in COMMANDS.items():
        with few_files() if kind == "few files" else contextlib.nullcontext():
            answers[name] = answer(root, words)
    if kind in {"denied", "hidden"}:
        (root / "small").chmod(0o700), root.chmod(0o700)
        for path in (Home(root).ledger("small"), Home(root).flags):
            path.chmod(0o600)
    for path in (Home(root).ledger("small"), Home(root).flags):
        if path.is_symlink():
            (root.with_name("kept") / path.relative_to(root)).replace(path)
    entries = Home(root).ledger("small").read_bytes().count(b"\n")
    return {"answers": answers, "entries": entries, "flag": json.loads(Home(root).flags.read_bytes())}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))))
