"""The HTTP server in front of the application, and what it must refuse before the application sees a byte.

Add here limits of the protocol; limits on bodies are `gateway/routes/request_body.py`, those of an operator
`settings.py`.
"""

import gc

from fastapi import FastAPI
from uvicorn import Config

from gateway.observability.json_logs import log_lines


def server_config(app: FastAPI, *, stop_s: int) -> Config:
    """How `app` is served; answers in flight get `stop_s` seconds at a stop.

    The parser is h11, which refuses a head that grows beyond 64 kB; httptools would gather any.
    """
    return Config(
        app, http="h11", log_config=log_lines(), log_level="warning", access_log=False, timeout_graceful_shutdown=stop_s
    )  # fmt: skip


def freeze_garbage_collector() -> None:
    """Have the garbage collector pass over everything that is in memory now: looking through the libraries again and
    again stops every answer for a quarter of a second."""
    gc.collect()
    gc.freeze()
