"""How the gateway's process writes its log: one line of JSON for each record, whatever the record holds.

A fault of ours is told by its kind and its place, not by its words, which may quote what a client sent. Add here other
fields of a line; what is worth a line is said where it happens.
"""

import json
import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from ratchet.core.errors import RatchetError


class JsonLines(logging.Formatter):
    """One line for each record: time, level, logger, message; and for an exception its kind and its frames."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, in ASCII: no control character of a message reaches a terminal or begins a line of its own."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        line: dict[str, Any] = {
            "ts": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()
        }  # fmt: skip
        if record.exc_info and record.exc_info[1] is not None:
            line["fault"] = _describe(record.exc_info[1])
        return json.dumps(line)


def log_lines() -> dict[str, Any]:
    """The configuration for `logging.config.dictConfig`: warnings and worse of every logger, to the standard error."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": JsonLines}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"level": "WARNING", "handlers": ["lines"]},
    }


def _describe(error: BaseException) -> dict[str, Any]:
    frames = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    # ours to write, and for the operator to read
    said = {"said": str(error)} if isinstance(error, RatchetError) else {}
    return {"kind": type(error).__name__, **said, "where": frames}
