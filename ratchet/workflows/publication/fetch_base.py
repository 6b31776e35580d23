"""Fetching from the Hub: the only code that downloads, by commit, and of a base only files that `hub_cache.py` accepts.

The client reads its settings at import, so it runs in a separate process (`download.py`). Files fetched before a kill
stay in a hidden folder, where the next call resumes; a base appears under its name complete, or not at all. Add here
steps around a download; `ratchet/models/hub_cache.py` defines names and accepted files.
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
    """Folder of base `name`, downloaded unless it is there; `say` gets a line for each file.

    Raises `RatchetError` where the Hub does not deliver, for files that are not as it lists them, and for a base that
    changed on this disk.
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
    """Download the files of a commit that make up a `kind`, `base` or `adapter`, into `folder`, as the Hub lists them.

    Files that an earlier call downloaded are not requested again. Raises `RatchetError` for every failure, and for a
    commit that is not of that kind.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in _OFFLINE:
        raise RatchetError(
            "HF_HUB_OFFLINE is set, so nothing may be downloaded.",
            "Turn it off for this one command: HF_HUB_OFFLINE=0.",
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
    # no implicit token: the child passes HF_TOKEN itself, so a token that the user once stored is never sent
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
            document = _read_line(line)
            ended = document or ended
            if "said" in document:
                say(document["said"])
    if "error" in ended:
        error = ended["error"]
        raise RatchetError(error["message"], error["hint"], code=error["code"])
    if process.returncode or ended.get("done") is not True:
        raise RatchetError(
            f"the download of {repo!r} ended with exit code {process.returncode}.",
            "Run it again: it goes on where it stopped.",
            code="hub",
        )
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # needed only to resume


def _read_line(line: str) -> dict[str, Any]:
    """Document of a line; empty for a line that a library printed."""
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the lock of a base while the block lasts; the kernel releases it when its holder dies."""
    lock = os.open(place.with_name(f".{place.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise RatchetError("another process is fetching this base.", "Wait until it ends.", code="busy") from None
    finally:
        os.close(lock)
