"""HTTP server in front of the application, and what it must reject before the application sees a byte.

Add here limits of the protocol; those of connections are in `connections.py`, limits on bodies in
`gateway/routes/request_body.py`, an operator's limits in `settings.py`.
"""

import gc
from functools import partial

from fastapi import FastAPI
from uvicorn import Config

from gateway.connections import ACCEPTED_AT_ONCE, Connection, ConnectionLimits, limit_connections
from gateway.observability.json_logs import log_lines
from ratchet.core.process_lifetime import freeze_imports


def server_config(app: FastAPI, *, stop_s: int) -> Config:
    """Return the server configuration of `app`; answers in flight get `stop_s` seconds at a stop.

    The parser is h11, which rejects a head that grows beyond 64 kB; httptools would collect any. The event loop is
    Python's own: uvloop accepts whatever waits at once, and so runs out of descriptors before it counts connections.
    """
    settings = app.state.gateway.settings
    limits = ConnectionLimits(limit_connections(settings.max_connections), settings.head_s, settings.body_s)
    return Config(
        app,
        http=partial(Connection, limits=limits),  # type: ignore[arg-type] # uvicorn only calls it
        ws="none",
        loop="asyncio",
        backlog=ACCEPTED_AT_ONCE,
        log_config=log_lines(),
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=stop_s,
    )


def freeze_garbage_collector() -> None:
    """Exempt all objects in memory from garbage collection: each scan of the libraries stalls answers for 0.25 s."""
    gc.collect()
    freeze_imports()
    gc.freeze()
