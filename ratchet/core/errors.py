"""Errors that a user can cause and fix: a message with what was found, and a hint.

Raise `RatchetError` where bad input is met; the command line prints it as one sentence and a hint, the HTTP routes as
JSON. Programming errors are ordinary exceptions and are never caught here.
"""

from typing import Any


class RatchetError(Exception):
    """Error that the user can fix.

    `message` states what was found, `hint` how to fix it, `code` is a stable machine-readable name, `details` holds the
    values.
    """

    exit_code = 1

    def __init__(
        self, message: str, hint: str = "", *, code: str = "error", details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.message, self.hint, self.code, self.details = message, hint, code, details or {}

    def __str__(self) -> str:
        return f"{self.message} hint: {self.hint}" if self.hint else self.message

    def as_json(self) -> dict[str, Any]:
        """Return the error document that `--json` prints."""
        return {"error": {"code": self.code, "message": self.message, "hint": self.hint, "details": self.details}}


class BlockedError(RatchetError):
    """A check failed: exit code 2."""

    exit_code = 2


class UsageError(RatchetError):
    """The command line itself is wrong: exit code 64 (`EX_USAGE` of sysexits.h)."""

    exit_code = 64
