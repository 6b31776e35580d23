"""Process that sends the messages of one receiver by apprise, or requests one address; it may hang and be ended.

The address comes by stdin, never as an argument or variable; nothing of what a library logs is passed on. One JSON
line is printed for each message as soon as its outcome is known. Add here the reason of another failure.
"""

import json
import logging
import os
import re
import sys
from typing import Any

from ratchet.core.child_processes import die_with_parent

_STATUS = re.compile(r"error[=\s:]+(\d{3})\b")


class _Reasons(logging.Handler):
    """The newest HTTP status that apprise logged: of its words nothing else is kept, they may hold an address."""

    status = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Remember the status of a failure."""
        if record.levelno >= logging.WARNING and (found := _STATUS.search(record.getMessage())):
            self.status = found[1]


def main() -> None:
    """Do the job on stdin."""
    job = json.loads(sys.stdin.readline())
    die_with_parent(int(job["parent"]))
    if job.get("ping"):
        _print({"id": "ping", "why": _ping(job["url"])})
        return
    reasons = _quiet_logs()
    import apprise

    plain = apprise.AppriseAsset(app_id="Ratchet", app_desc="Ratchet", app_url="", image_url_mask="", image_url_logo="")
    sender = apprise.Apprise(asset=plain)
    if not sender.add(job["url"]):
        for each in job["messages"]:
            _print({"id": each["id"], "why": "is not an address that apprise knows"})
        return
    for each in job["messages"]:
        reasons.status = ""
        sent = sender.notify(title=each["title"], body=each["body"], body_format=apprise.NotifyFormat.TEXT)
        why = "" if sent else f"answered {reasons.status}" if reasons.status else "could not be reached"
        _print({"id": each["id"], "why": why})
        if not sent:
            return  # the others wait for the next try


def _ping(url: str) -> str:
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    if not url.startswith(("http://", "https://")):
        return "is not an http address"
    try:
        with urlopen(Request(url, headers={"User-Agent": "ratchet"}), timeout=8):  # noqa: S310 - checked above
            return ""
    except HTTPError as error:
        return f"answered {error.code}"
    except (URLError, OSError, ValueError):
        return "could not be reached"


def _quiet_logs() -> _Reasons:
    logging.getLogger().handlers = [logging.NullHandler()]
    logger = logging.getLogger("apprise")
    handler = _Reasons()
    logger.handlers, logger.propagate = [handler], False
    return handler


def _print(line: dict[str, Any]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main()
