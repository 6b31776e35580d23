"""Dagster's webserver behind the product's guard, on loopback: `python -m orchestration.webserver -p 3000`.

It has no users of its own, so whoever reaches it may start and stop everything. Add here what its requests must keep
to; `orchestration/dev.py` starts it together with the daemon.
"""

import argparse
import os
import sys
from collections.abc import Sequence

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.types import ASGIApp, Scope

from gateway.errors import RequestError
from gateway.request_guard import RequestGuard
from gateway.settings import parse_hosts
from ratchet.core.request_source import Headers, media_type

HOST, PORT = "127.0.0.1", 3000
_STATEMENT_MS, _RECYCLE_S, _OVERFLOW = 15_000, 3_600, 20  # Dagster's own defaults


def check_query(scope: Scope, headers: Headers) -> RequestError | None:
    """Return the error of a request that could change something without a page's having asked first, else None.

    Dagster executes what stands in the address: of a GET that does not want a page, and of a POST that is not JSON.
    """
    if scope["type"] != "http":
        return None
    method, wants_page = scope["method"], any("text/html" in value for value in headers.get("accept", ()))
    if method in {"GET", "HEAD"}:
        if scope["path"].strip("/") == "graphql" and not wants_page:
            return RequestError(405, "by_post", "GraphQL is not executed by GET.", "Send it by POST, as JSON.")
        return None
    if media_type(headers) != "application/json":
        return RequestError(
            415, "not_json", "The body is not sent as JSON.", "Send the header 'Content-Type: application/json'."
        )
    return None


def guard(app: ASGIApp, hosts: str) -> RequestGuard:
    """Return Dagster's application behind the guard; `hosts` lists further names of this server."""
    return RequestGuard(app, parse_hosts(hosts), rules=(check_query,))


def main(words: Sequence[str]) -> None:
    """Serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.webserver", description=__doc__.partition("\n")[0])
    parser.add_argument("-p", "--port", type=int, default=PORT, help="port on loopback")
    parser.add_argument("-w", "--workspace", default="workspace.yaml", help="workspace file")
    given = parser.parse_args(words)
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_MS, _RECYCLE_S, _OVERFLOW)
        target = WorkspaceFileTarget(paths=[given.workspace])
        with WorkspaceProcessContext(instance, workspace_load_target=target) as context:
            app = create_app_from_workspace_process_context(context)
            uvicorn.run(
                guard(app, os.environ.get("RATCHET_GATEWAY_HOSTS", "")),
                host=HOST, port=given.port, http="h11", log_level="warning",
            )  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
