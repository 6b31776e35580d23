"""Delivery: one process for each receiver, all at once, none waited for beyond a deadline.

Add here what such a process may see. Secrets are filled in here and handed over by stdin: no log, error, argument or
file has them.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ratchet.config.receiver_address import fill_address
from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import ALERT_DELIVERY_S

_ALLOWED = (
    "PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
SILENT = f"did not answer within {ALERT_DELIVERY_S:g} s"
Outcome = Callable[[str, str, str], None]
"""Receiver, id of the message, and the reason why it was not sent; '' where it was."""


def deliver(
    batches: Mapping[str, tuple[str, Sequence[Mapping[str, Any]]]], environment: Mapping[str, str], on_outcome: Outcome
) -> None:
    """Send each receiver (address, messages) its messages in order; `on_outcome` gets one call for each that was tried.

    A receiver that hangs is ended at the deadline; its messages are tried again another time.
    """
    until = time.monotonic() + ALERT_DELIVERY_S
    started = []
    for receiver, (address, messages) in batches.items():
        try:
            url = fill_address(address, environment)
        except RatchetError as error:
            on_outcome(receiver, str(messages[0]["id"]), error.message.rstrip("."))
            continue
        job = {"url": url, "messages": [{key: each[key] for key in ("id", "title", "body")} for each in messages]}
        started.append((receiver, messages, _start(job, environment)))
    for receiver, messages, process in started:
        tried = set()
        for line in _finish(process, until):
            tried.add(line["id"])
            on_outcome(receiver, line["id"], line["why"])
            if line["why"]:
                break
        else:
            # killed in the middle: the first message without an outcome stands for the rest
            if left := [str(each["id"]) for each in messages if each["id"] not in tried]:
                on_outcome(receiver, left[0], SILENT)


def ping(address: str, environment: Mapping[str, str]) -> str:
    """Request the address of a dead-man's switch; return why that failed, or ''."""
    try:
        url = fill_address(address, environment)
    except RatchetError as error:
        return error.message.rstrip(".")
    lines = _finish(_start({"url": url, "ping": True}, environment), time.monotonic() + ALERT_DELIVERY_S)
    return lines[0]["why"] if lines else SILENT


def _start(job: Mapping[str, Any], environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    allowed = {name: environment[name] for name in _ALLOWED if environment.get(name)}
    process = subprocess.Popen(
        [sys.executable, "-m", "ratchet.workflows.alerts.sender_process"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=allowed,
    )  # fmt: skip
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    try:
        process.stdin.write(json.dumps({**job, "parent": os.getpid()}).encode() + b"\n")
        process.stdin.close()
    except BrokenPipeError:
        pass  # it ended at once; the missing outcome says so
    process.stdin = None
    return process


def _finish(process: "subprocess.Popen[bytes]", until: float) -> list[dict[str, str]]:
    try:
        output, _ = process.communicate(timeout=max(0.1, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    lines = []
    for line in output.splitlines():
        try:
            document = json.loads(line)
            lines.append({"id": str(document["id"]), "why": str(document["why"])})
        except (ValueError, KeyError, TypeError):
            continue
    return lines
