"""Leases of running gateways, `<home>/gateways/PID-ID.lease`: which ledger entry each gateway answers by.

A gateway holds the lock of its file as long as it lives, so a file without a lock is a dead gateway's. The file is one
block that is overwritten in place: that keeps the lock, and works on a full disk. Add here another fact that commands
must know of running gateways; the wait for them is `ratchet/workflows/rollout/followers.py`.
"""

import fcntl
import json
import logging
import os
import threading
import time
import uuid
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ratchet.rollout.ledger_entry import Head
from ratchet.storage.home import Home

_LOG = logging.getLogger(__name__)
_BLOCK = 4096
_LONGEST_PROBLEM = 500
_TRIES, _PAUSE_S = 5, 0.01


@dataclass(frozen=True)
class RunningGateway:
    """One gateway that runs now: its process, the newest entry that it answers by, and its problems, by classifier."""

    pid: int
    heads: Mapping[str, Head]
    problems: Mapping[str, str] = field(default_factory=dict)


class GatewayLease:
    """Lease of this gateway. Without a folder that can be written it holds nothing, which is logged once."""

    def __init__(self) -> None:
        self._home: Home | None = None
        self._path: Path | None = None
        self._descriptor = -1
        self._content: dict[str, Any] = {"heads": {}, "problems": {}}
        self._written = b""
        self._warned = False
        self._lock = threading.Lock()

    def take(self, home: Home) -> None:
        """Make the lease file, locked before it has its name."""
        self._home = home
        with self._lock:
            if self._descriptor >= 0:
                return
            path = home.gateways / f"{os.getpid()}-{uuid.uuid4().hex[:8]}.lease"
            stage, descriptor = path.with_suffix(".tmp"), -1
            try:
                home.gateways.mkdir(exist_ok=True)
                descriptor = os.open(stage, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o664)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.posix_fallocate(descriptor, 0, _BLOCK)
                self._write(descriptor)
                stage.replace(path)
            except OSError as error:
                if descriptor >= 0:
                    with suppress(OSError):
                        stage.unlink(missing_ok=True)
                    os.close(descriptor)
                self._written = b""
                if not self._warned:
                    reason = error.strerror or error
                    _LOG.warning("no lease of this gateway (%s): 'ratchet rollback' cannot see it", reason)
                self._warned = True
                return
            self._path, self._descriptor, self._warned = path, descriptor, False

    def keep(self) -> None:
        """Make the lease again if somebody removed its file, or if it could not be made or written before."""
        with self._lock:
            lost = self._path is None or not self._path.exists()
            if not lost:
                with suppress(OSError):
                    self._write(self._descriptor)
        if lost and (home := self._home) is not None:
            self.release()
            self.take(home)

    def renew(self, heads: Mapping[str, Head], problems: Mapping[str, str]) -> None:
        """Say which entries this gateway answers by from now on."""
        with self._lock:
            self._content = {
                "heads": {name: [head.sequence, head.digest] for name, head in heads.items()},
                "problems": {name: problem[:_LONGEST_PROBLEM] for name, problem in problems.items()},
            }
            if self._descriptor >= 0:
                with suppress(OSError):  # the command then waits for this gateway and names it
                    self._write(self._descriptor)

    def release(self) -> None:
        """Remove the lease; the kernel does so with its lock if the process is killed."""
        with self._lock:
            if self._descriptor >= 0 and self._path is not None:
                with suppress(OSError):
                    self._path.unlink(missing_ok=True)
                os.close(self._descriptor)
            self._home, self._path, self._descriptor, self._written = None, None, -1, b""

    def _write(self, descriptor: int) -> None:
        body = json.dumps({"schema": 1, "pid": os.getpid(), **self._content}).encode()
        text = b"%08x\n%b" % (zlib.crc32(body), body)
        if text != self._written:
            blocks = text.ljust(-(-len(text) // _BLOCK) * _BLOCK)
            os.pwrite(descriptor, blocks, 0)
            os.ftruncate(descriptor, len(blocks))  # what a longer text had behind it would spoil the sum
            self._written = text


def running_gateways(home: Home) -> list[RunningGateway]:
    """Return the gateways that run on `home` now, by process id; leases of dead ones are removed."""
    found = (_read(path) for path in sorted(home.gateways.glob("*.lease")))
    return sorted((each for each in found if each), key=lambda each: each.pid)


def _read(path: Path) -> RunningGateway | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:  # another user's: it cannot be asked, but one that runs must not be taken for none
        return RunningGateway(_pid_of(path), {}, {}) if _is_alive(_pid_of(path)) else None
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _parse(descriptor, path)
    else:
        with suppress(OSError):  # another user's dead lease stays, and counts for nothing
            path.unlink(missing_ok=True)
        return None
    finally:
        os.close(descriptor)


def _parse(descriptor: int, path: Path) -> RunningGateway:
    for _ in range(_TRIES):
        sum_, _, body = os.pread(descriptor, os.fstat(descriptor).st_size, 0).rstrip(b" \0").partition(b"\n")
        if sum_ == b"%08x" % zlib.crc32(body):
            document = json.loads(body)
            heads = {name: Head(*head) for name, head in document["heads"].items()}
            return RunningGateway(int(document["pid"]), heads, document["problems"])
        time.sleep(_PAUSE_S)  # it is being overwritten just now
    return RunningGateway(_pid_of(path), {}, {})


def _pid_of(path: Path) -> int:
    pid = path.name.partition("-")[0]
    return int(pid) if pid.isdecimal() and len(pid) < 10 else 0


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() if pid else False
