"""`ratchet serve`: run the gateway in this process.

Add here options that operators type; all other settings are `gateway/settings.py`.
"""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from orchestration.cli.help import Checkpoints, PublicKey
from orchestration.cli.output import say
from orchestration.cli.session import pin, session_of
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import GATEWAY_STOP_S

_BACKLOG = 2048


def serve(
    context: typer.Context,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; any but loopback needs a key first.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port; 0 picks a free one.", min=0, max=65535)] = 8008,
    open_: Annotated[
        bool,
        typer.Option("--open", help="Serve without keys: to this machine only, never behind a proxy."),
    ] = False,
    durable: Annotated[bool, typer.Option("--durable", help="Answer only once the request is on disk.")] = False,
    public_key: PublicKey = None,
    checkpoint: Checkpoints = None,
) -> int:
    """Serve over HTTP until Ctrl-C or SIGTERM; finish requests in flight, then seal the rows."""
    session = session_of(context)
    import uvicorn

    from gateway.app import create_app
    from gateway.server import freeze_garbage_collector, server_config
    from gateway.settings import read_settings
    from ratchet.storage.keys.api_keys import Keys

    trust = pin(session.home, public_key, checkpoint).trust
    given: dict[str, object] = {"open": True} if open_ else {}
    given |= {"public_key": trust.key, "checkpoint": os.pathsep.join(str(path) for path in trust.checkpoints)}
    settings = read_settings(home=session.home.root, host=host, port=port, durable=durable, **given)
    app = create_app(settings)

    class Server(uvicorn.Server):
        """Server that stops as uvicorn's does, but does not raise the signal again: a graceful stop is a success."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            for listening in sockets or ():
                listening.listen(_BACKLOG)  # uvicorn made the queue as short as the number that is accepted at once
            freeze_garbage_collector()

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self.handle_exit)
            yield

    server = Server(server_config(app, stop_s=GATEWAY_STOP_S))
    # Listening comes before loading: whoever reads the address may connect, and waits until the adapters are loaded.
    with _listen(host, port) as listening:
        address = f"http://{host}:{listening.getsockname()[1]}"
        guarded = "" if Keys(session.home.keys).read() else "; open to every process of this machine, without keys"
        say(session, f"serve: {address}, described at {address}/openapi.json{guarded}; Ctrl-C stops it")
        server.run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        reason = f"cannot listen on {host} port {port} ({error.strerror or error})."
        raise RatchetError(reason, "Give another --port; 0 picks a free one.", code="no_port") from None
