"""HTTP server in front of the application, and what it must reject before the application sees a byte.

Add here limits of the protocol; limits on bodies are in `gateway/routes/request_body.py`, an operator's limits in
`settings.py`.
"""

import gc

from fastapi import FastAPI
from uvicorn import Config

from gateway.observability.json_logs import log_lines
from ratchet.core.process_lifetime import freeze_imports


def server_config(app: FastAPI, *, stop_s: int) -> Config:
    """Return the server configuration of `app`; answers in flight get `stop_s` seconds at a stop.

    The parser is h11, which rejects a head that grows beyond 64 kB; httptools would collect any.
    """
    return Config(
        app, http="h11", log_config=log_lines(), log_level="warning", access_log=False, timeout_graceful_shutdown=stop_s
    )  # fmt: skip


def freeze_garbage_collector() -> None:
    """Exempt all objects in memory from garbage collection: each scan of the libraries stalls answers for 0.25 s."""
    gc.collect()
    freeze_imports()
    gc.freeze()
