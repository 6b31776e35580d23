"""Errors of a Hub: a response that leaves the outcome open, a permanent rejection, a conflict.

Add here the meaning of an error of the client; `repository.py` and `client_process.py` retry.
"""

from typing import Any

from ratchet.core.errors import RatchetError
from ratchet.core.timeouts import HUB_RETRY_AFTER_S


def client_errors() -> tuple[type[Exception], ...]:
    """Exceptions of the client for a Hub that rejects, fails or is silent; it wraps some of them in others."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    return (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError, RuntimeError)


def is_open(error: Exception) -> bool:
    """True where an error leaves the outcome open or asks for another attempt; False for a permanent rejection."""
    import httpx2

    if (status := status_of(error)) is not None:
        return status in {408, 409, 412, 425, 429} or status >= 500
    return any(
        isinstance(each, httpx2.TransportError | TimeoutError | ConnectionError) for each in (error, error.__cause__)
    )


def response_of(error: Exception | None) -> Any:
    """The Hub's response that an error, or its cause, is about; None where none came."""
    cause = getattr(error, "__cause__", None)
    return next((found for each in (error, cause) if (found := getattr(each, "response", None)) is not None), None)


def status_of(error: Exception | None) -> int | None:
    """HTTP status of that response; None where none came."""
    return getattr(response_of(error), "status_code", None)


def wait_after(error: Exception, wait_s: float, attempt: int) -> float:
    """Seconds until the next attempt: the Hub's Retry-After, at most a minute, else twice as long each time."""
    delay = getattr(response_of(error), "headers", {}).get("Retry-After", "")
    return min(HUB_RETRY_AFTER_S, float(delay)) if delay.isdigit() else wait_s * 2.0**attempt


def describe_error(error: Exception | None) -> str:
    """An error of the client in one line, with the Hub's message."""
    if error is None:
        return "it reported success, but the repository does not show it."
    lines = str(error).strip().splitlines() or [""]
    status = status_of(error)
    return f"{type(error).__name__}{f' {status}' if status else ''}: {lines[0][:200]}"


def conflict(found: str, hint: str) -> RatchetError:
    """The error for a repository that is not as this home left it."""
    return RatchetError(found, hint, code="conflict")


def failed_for(found: str, error: Exception | None) -> RatchetError:
    """The error for a request that the Hub did not fulfil, or does not allow with this token."""
    status = status_of(error)
    if status in {401, 403}:
        return RatchetError(found, "Set HF_TOKEN to a token that may write to that repository.", code="no_permission")
    return RatchetError(found, "Publish again: finished steps are found, and nothing is done twice.", code="hub")
