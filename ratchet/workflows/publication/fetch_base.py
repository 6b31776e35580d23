"""Fetching from the Hub: the one thing that downloads, by commit, and of a base only what `ratchet/models/hub_cache.py`
lets in.

The client reads its settings when it is imported, so it runs in a process of its own (`download.py`). What was fetched
before a kill is kept in a hidden folder, where the next call goes on; the base appears under its name whole, or not at
all.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.files import fsync_folder, make_folder, write_json
from ratchet.models.hub_cache import FILES, MANIFEST, HubName, check_fetched, make_base_manifest, parse_hub_name

_OFFLINE = {"1", "ON", "YES", "TRUE"}


def fetch_base(name: str, say: Callable[[str], None]) -> Path:
    """The folder of base `name`, downloaded unless it is there; `say` is told of each file.

    Raises `RatchetError` for whatever the Hub refuses, for files that are not what it lists, and for a base that
    changed here.
    """
    wanted = parse_hub_name(name)
    make_folder(wanted.place.parent)
    with _alone(wanted.place):
        if not wanted.place.exists():
            _download(wanted, wanted.place.with_name(f".{wanted.place.name}.stage"), say)
        check_fetched(name)
    return wanted.place / FILES


def _download(wanted: HubName, stage: Path, say: Callable[[str], None]) -> None:
    files = stage / FILES
    make_folder(files)
    download_files(wanted.repo, wanted.revision, "base", files, say)
    write_json(stage / MANIFEST, make_base_manifest(files, wanted))
    fsync_folder(files)
    stage.rename(wanted.place)
    fsync_folder(wanted.place.parent)


def download_files(repo: str, commit: str, kind: str, folder: Path, say: Callable[[str], None]) -> None:
    """The files of a commit that a `kind` (`base` or `adapter`) consists of, in `folder`, each as the Hub lists it.

    What an earlier call brought there is not asked for again. Raises `RatchetError` for whatever the Hub or the kind
    refuses.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in _OFFLINE:
        raise RatchetError(
            "HF_HUB_OFFLINE is set, so nothing may be downloaded.",
            "Unset it for this one command: HF_HUB_OFFLINE=0.",
            code="offline",
        )
    command = [
        sys.executable,
        "-m",
        "ratchet.workflows.publication.download",
        kind,
        repo,
        commit,
        str(folder),
        str(os.getpid()),
    ]
    environment = {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    }
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **environment})
    ended: dict[str, Any] = {}
    with process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        for line in process.stdout:
            heard = _read_line(line)
            ended = heard or ended
            if "said" in heard:
                say(heard["said"])
    if "error" in ended:
        told = ended["error"]
        raise RatchetError(told["message"], told["hint"], code=told["code"])
    if process.returncode or ended.get("done") is not True:
        raise RatchetError(
            f"the download of {repo!r} ended with exit code {process.returncode}.",
            "Run it again; it goes on.",
            code="hub",
        )
    shutil.rmtree(folder / ".cache", ignore_errors=True)


def _read_line(line: str) -> dict[str, Any]:
    """The document of a line; empty for what a library prints there on its own."""
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One fetch of a base at a time; the kernel ends the lock with its holder."""
    lock = os.open(place.with_name(f".{place.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RatchetError("another process fetches this base.", "Wait until it has ended.", code="busy") from None
    finally:
        os.close(lock)
