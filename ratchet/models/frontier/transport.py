"""Transport to the endpoint: one attempt, bytes out and bytes in, with a limit on size and time and without redirects.

Add here what may go wrong on the way. Retries are in `retries.py`, the bytes of an answer are read in `response.py`.
"""

import email.utils
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from ratchet.config.frontier import Frontier
from ratchet.core.errors import RatchetError
from ratchet.models.frontier.error_hints import hint_for_no_connection, hint_for_status, hint_for_timeout
from ratchet.models.frontier.request import FrontierQuestion
from ratchet.models.frontier.response import LARGEST_BYTES

_AGAIN = frozenset({408, 409, 425, 429})
_FREE_FROM, _FREE_TO = 400, 500
"""Statuses of requests that are rejected before anything is generated, so that nothing is owed."""


@dataclass(frozen=True)
class RawResponse:
    """Bytes of the response, cut soon after `LARGEST_BYTES`, and the duration of the attempt."""

    body: bytes
    latency_s: float


class AttemptFailed(Exception):  # noqa: N818 - the outcome of one attempt, not an error of ours
    """One attempt failed. `again`: another may succeed; `owed`: the endpoint may bill it; `hint`: how to fix it."""

    def __init__(self, reason: str, *, again: bool, owed: bool, hint: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.again, self.owed, self.hint, self.wait_s = reason, again, owed, hint, wait_s


class Endpoint:
    """One endpoint; thread-safe. Use it as a context manager, since it keeps connections open.

    Raises `RatchetError` where a proxy or certificates that the environment names cannot be used.
    """

    def __init__(self, settings: Frontier, key: str | None) -> None:
        import httpx

        headers = {"accept": "application/json", "accept-encoding": "identity", "content-type": "application/json"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        self._settings, self._address = settings, f"{settings.base_url.rstrip('/')}/chat/completions"
        try:
            self._client = httpx.Client(
                headers={**headers, "user-agent": "ratchet"},
                timeout=settings.timeout_s,
                trust_env=not settings.is_local,
            )
        except (
            ImportError,
            ValueError,
            OSError,
            httpx.InvalidURL,
        ) as error:  # a proxy or certificates that the environment names
            raise RatchetError(
                "the proxy or the certificates of the environment cannot be used for the frontier model"
                f" ({type(error).__name__}).",
                "Check HTTPS_PROXY and ALL_PROXY, which must begin with http:// or https://, and SSL_CERT_FILE.",
                code="bad_proxy",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections, and abort requests in progress."""
        self._client.close()

    def attempt(self, question: FrontierQuestion, timeout_s: float) -> RawResponse:
        """Send the question once, and wait at most `timeout_s`; raises `AttemptFailed`.

        The error holds neither the key nor words of the endpoint.
        """
        import httpx

        started, body, settings = time.perf_counter(), b"", self._settings
        late, away = hint_for_timeout(settings), hint_for_no_connection(settings)
        try:
            with self._client.stream("POST", self._address, content=question.body, timeout=timeout_s) as response:
                if response.status_code != 200:
                    raise _failed(response.status_code, response.headers, settings)
                for piece in response.iter_raw():
                    body += piece
                    if len(body) > LARGEST_BYTES:
                        break
                    if time.perf_counter() - started > timeout_s:  # httpx limits each read, not their sum
                        raise AttemptFailed("time-out", again=True, owed=True, hint=late)
        except httpx.TimeoutException as error:
            # without a connection nothing was sent, so nothing is owed
            raise AttemptFailed(
                "time-out", again=True, owed=not isinstance(error, httpx.ConnectTimeout), hint=late
            ) from None
        except httpx.ConnectError:
            raise AttemptFailed("no connection", again=True, owed=False, hint=away) from None
        except httpx.HTTPError:
            raise AttemptFailed("a broken connection", again=True, owed=True, hint="") from None
        return RawResponse(body, time.perf_counter() - started)


def find_key(settings: Frontier, environment: Mapping[str, str] = os.environ) -> str | None:
    """Key in the environment variable that the settings name; None where it is unset or cannot be sent in a header."""
    key = environment.get(settings.key_variable, "").strip()
    return key if key and key.isascii() and key.isprintable() else None


def _failed(status: int, headers: Mapping[str, str], settings: Frontier) -> AttemptFailed:
    refused = _FREE_FROM <= status < _FREE_TO
    return AttemptFailed(
        f"HTTP {status}",
        again=status in _AGAIN or status >= _FREE_TO,
        owed=not refused,
        hint=hint_for_status(status, settings),
        wait_s=_retry_after(headers),
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait from the header Retry-After, which holds seconds or a date; None where it holds neither."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value[:9])
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())
