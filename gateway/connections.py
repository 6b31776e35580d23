"""Connections of the HTTP server: how long each may take, how many there may be, and which one gives way.

A silent client costs nothing but its socket, so that is what must be bounded: a process out of descriptors answers
nobody, and cannot even read the flag that rolls a model back. Add here what concerns a connection; limits of a key are
in `gateway/routes/auth.py` and `gateway/serving/batching.py`.
"""

import asyncio
import resource
import socket
from dataclasses import dataclass, field
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ratchet.core.timeouts import CLIENT_READ_S

RESERVED_DESCRIPTORS = 256
"""Held back for flag, ledger, journals, adapters, and connections that were accepted but not counted yet."""
ACCEPTED_AT_ONCE = 64
"""Connections that the event loop accepts before it counts them."""
_LEAST, _LOOK_S = 8, 0.5
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"
_LATE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

Phase = Literal["head", "body", "answer"]


def limit_connections(wanted: int) -> int:
    """Raise this process's limit of descriptors as far as `wanted` connections need, and return how many it allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVED_DESCRIPTORS
    if soft < needed and soft != resource.RLIM_INFINITY:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return wanted
    # where even the reserve does not fit, most descriptors still go to files
    return max(_LEAST, min(wanted, soft - RESERVED_DESCRIPTORS, soft))


@dataclass
class ConnectionLimits:
    """Open connections of one server, at most `most`; each phase of a request has its time (seconds)."""

    most: int
    head_s: float
    body_s: float
    read_s: float = CLIENT_READ_S
    waiting: dict[Phase, "dict[Connection, float]"] = field(
        default_factory=lambda: {"head": {}, "body": {}, "answer": {}}
    )
    """Connections by phase, with the time at which it began (event loop's clock), oldest first."""
    _stuck: "dict[Connection, float]" = field(default_factory=dict)
    """Connections whose client does not read, with the time at which that was first seen."""
    _look: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return sum(map(len, self.waiting.values()))

    def admit(self, connection: "Connection") -> bool:
        """Count a new connection; at the limit the longest silent one gives way. False if none can."""
        if len(self) >= self.most:
            oldest = next(iter(self.waiting["head"] or self.waiting["body"]), None)
            if oldest is None:
                return False
            self.leave(oldest)
            oldest.transport.abort()
        self.enter(connection, "head")
        if self._look is None:
            self._look = connection.loop.call_later(_LOOK_S, self.look, connection.loop)
        return True

    def enter(self, connection: "Connection", phase: Phase) -> None:
        """Move a connection to a phase, whose time begins now, unless it is in that phase already."""
        if connection not in self.waiting[phase]:
            self.leave(connection)
            self.waiting[phase][connection] = connection.loop.time()

    def leave(self, connection: "Connection") -> None:
        """Forget a connection."""
        for phase in self.waiting.values():
            phase.pop(connection, None)
        self._stuck.pop(connection, None)

    def look(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the connections whose time is over; repeats itself while there are any."""
        now = loop.time()
        limits: tuple[tuple[Phase, float], ...] = (("head", self.head_s), ("body", self.body_s))
        for phase, limit_s in limits:
            for connection in [each for each, since in self.waiting[phase].items() if now - since > limit_s]:
                connection.give_up()
        for phase_of in list(self.waiting.values()):
            for connection in list(phase_of):
                if not (connection.transport.get_write_buffer_size() or connection.transport.is_closing()):
                    self._stuck.pop(connection, None)
                elif now - self._stuck.setdefault(connection, now) > self.read_s:
                    self.leave(connection)
                    connection.transport.abort()
        self._look = loop.call_later(_LOOK_S, self.look, loop) if len(self) else None


class Connection(H11Protocol):
    """Connection of one client: uvicorn's, within `limits`."""

    def __init__(self, *, limits: ConnectionLimits, **given: Any) -> None:
        super().__init__(**given)
        self._limits = limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Begin, or refuse the client where nobody can give way to it."""
        super().connection_made(transport)
        accepted = transport.get_extra_info("socket")
        if accepted is not None and accepted.family in {socket.AF_INET, socket.AF_INET6}:
            # Python's event loop does this only for sockets that name their protocol, which `create_server` ones do
            # not; the body of an answer would then wait 40 ms for the client to acknowledge its head
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._limits.admit(self):
            transport.write(_BUSY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the client hung up, or we did."""
        self._limits.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent, which may begin another phase."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._note_phase()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._note_phase()

    def give_up(self) -> None:
        """Answer a client that took too long with 408, if it has sent anything, and hang up."""
        begun = self.cycle is not None and not self.cycle.response_complete
        self._limits.leave(self)
        if begun:
            if self.cycle.response_started:
                self.transport.abort()
                return
            # the application, which waits for the rest of the body, learns that its client has gone
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if begun or self.conn.trailing_data[0]:
            self.transport.write(_LATE)
        self.transport.close()
        self._limits.enter(self, "answer")  # until the socket is closed

    def _note_phase(self) -> None:
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.SEND_BODY:
            self._limits.enter(self, "body")
        elif self.cycle is not None and not self.cycle.response_complete:
            self._limits.enter(self, "answer")
        else:
            self._limits.enter(self, "head")
