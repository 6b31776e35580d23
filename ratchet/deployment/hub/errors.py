"""What went wrong between us and a Hub: an answer that leaves open what happened, a refusal for good, a conflict.

Add here what an error of the client means; who asks again is `repository.py` and `client_process.py`.
"""

from typing import Any

from ratchet.core.errors import RatchetError

_LONGEST_WAIT_S = 60.0


def client_errors() -> tuple[type[Exception], ...]:
    """What the client raises when a Hub refuses, fails or is silent; it wraps some of it."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    return (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError, RuntimeError)


def is_open(error: Exception) -> bool:
    """Whether an error leaves open what happened, or says to come again; a refusal for good does not."""
    import httpx2

    if (status := status_of(error)) is not None:
        return status in {408, 409, 412, 425, 429} or status >= 500
    return any(
        isinstance(each, httpx2.TransportError | TimeoutError | ConnectionError) for each in (error, error.__cause__)
    )


def response_of(error: Exception | None) -> Any:
    """The Hub's answer that an error, or what it wraps, is about; None where none came."""
    cause = getattr(error, "__cause__", None)
    return next((result for each in (error, cause) if (result := getattr(each, "response", None)) is not None), None)


def status_of(error: Exception | None) -> int | None:
    """The status of that answer."""
    return getattr(response_of(error), "status_code", None)


def wait_after(error: Exception, wait_s: float, attempt: int) -> float:
    """Seconds until the next attempt: what the Hub asks for, at most a minute, else twice as long each time."""
    asked = getattr(response_of(error), "headers", {}).get("Retry-After", "")
    return min(_LONGEST_WAIT_S, float(asked)) if asked.isdigit() else wait_s * 2.0**attempt


def describe_error(error: Exception | None) -> str:
    """An error of the client in one line, with what the Hub said."""
    if error is None:
        return "it answered that it had, but that is not seen there."
    said = str(error).strip().splitlines() or [""]
    status = status_of(error)
    return f"{type(error).__name__}{f' {status}' if status else ''}: {said[0][:200]}"


def conflict(found: str, cure: str) -> RatchetError:
    """The error for a repository that is not as we left it."""
    return RatchetError(found, cure, code="conflict")


def failed_for(found: str, error: Exception | None) -> RatchetError:
    """The error for what the Hub did not do, or may not be asked with this token."""
    status = status_of(error)
    if status in {401, 403}:
        return RatchetError(
            found, "HF_TOKEN needs to be a token that may write to that repository.", code="no_permission"
        )
    return RatchetError(found, "Publish again: what was done is found, and nothing is done twice.", code="hub")
