"""Log format of the gateway: one line of JSON for each record, whatever the record holds.

An unexpected exception appears by type and place, not by message, which may quote what a client sent. Add here other
fields of a line; what is logged is decided where it happens.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import RatchetError


class JsonLines(logging.Formatter):
    """Formatter with one line for each record: time, level, logger, message, and an exception's type and frames."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line in ASCII, so that no control character reaches a terminal or begins a new line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        line: dict[str, Any] = {
            "ts": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()
        }  # fmt: skip
        if record.exc_info and record.exc_info[1] is not None:
            line["fault"] = _describe(record.exc_info[1])
        return json.dumps(line)


def log_lines() -> dict[str, Any]:
    """Return a configuration for `logging.config.dictConfig`: warnings and above of all loggers to standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": JsonLines}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"level": "WARNING", "handlers": ["lines"]},
    }


def _describe(error: BaseException) -> dict[str, Any]:
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    # Messages of our own errors are written for the operator; any other may quote a client.
    message = {"said": str(error)} if isinstance(error, RatchetError) else {}
    return {"kind": type(error).__name__, **message, "where": frames}
