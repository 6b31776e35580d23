"""Sandbox for a process that opens files of unknown origin: no network, and limits on memory, time and file size.

Its restrictions cannot be lifted again. Add here another restriction.
"""

import ctypes
import resource
import sys
from typing import Any

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # flags of unshare(2)
_FILE = 1_000_000
"""Largest file that may be written, in bytes: libraries test their socket folder with a small file on import."""


def confine(room_bytes: int, seconds: int, file_bytes: int = _FILE) -> bool:
    """Cut this process off from the network and limit its address space, processor time and file size.

    Call it first, while there is one thread. Returns True when the kernel cut the network; otherwise only Python's own
    sockets are blocked.
    """
    cut = _without_network()
    if not cut:
        sys.addaudithook(_refuse_sockets)
    limits = {
        resource.RLIMIT_AS: room_bytes,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_CORE: 0,
    }
    for limit, most in limits.items():
        resource.setrlimit(limit, (most, most))
    return cut


def _without_network() -> bool:
    """True where this process now has a network namespace of its own, which is empty."""
    if not sys.platform.startswith("linux"):
        return False
    return bool(ctypes.CDLL(None, use_errno=True).unshare(_NEW_USER | _NEW_NETWORK) == 0)


def _refuse_sockets(event: str, _details: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        raise PermissionError(f"{event}: this process has no network")
