"""A process that gives up what it does not need before it touches what somebody else made: network, memory, time and
the disk.

Nothing of it can be taken back. Add here another thing that a process can give up.
"""

import ctypes
import resource
import sys
from typing import Any

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # flags of unshare(2)
_FILE = 1_000_000
"""Bytes of the largest file that may be written: libraries try out their folder for passing files when they are
imported."""


def confine(room_bytes: int, seconds: int) -> bool:
    """Take the network from this process, and all but so much address space and processor time; a file it writes stays
    small.

    Call it first of all, while there is one thread. Returns whether the kernel cut the network; where it may not,
    Python's own sockets are refused.
    """
    cut = _without_network()
    if not cut:
        sys.addaudithook(_refuse_sockets)
    limits = {
        resource.RLIMIT_AS: room_bytes,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: _FILE,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in limits.items():
        resource.setrlimit(what, (most, most))
    return cut


def _without_network() -> bool:
    """Whether this process has a network of its own now, in which there is nothing."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_NETWORK) == 0)


def _refuse_sockets(event: str, _details: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        raise PermissionError(f"{event}: this process has no network")
