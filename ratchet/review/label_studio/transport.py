"""Transport to Label Studio: one request, retried where that is safe, within a deadline, without redirects.

Add here what may go wrong on the way; the routes that are used are in `api.py`. No message holds the token, or words of
the server, which may hold texts.
"""

import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from ratchet.config.label_studio import check_url, is_local
from ratchet.core.errors import RatchetError
from ratchet.core.strict_json import parse_strictly
from ratchet.core.timeouts import LABEL_STUDIO_ANSWER_S, LABEL_STUDIO_POLL_S

LARGEST_BYTES = 256_000_000
"""Largest answer that is read: a page of a hundred tasks of the longest texts is far smaller."""
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_PAUSES_S = (0.5, 1.0, 2.0)
_HINTS = {
    401: "Check the token: Label Studio does not know it.",
    403: "Check the token: its user may not do this.",
}


class LabelStudioError(RatchetError):
    """Label Studio gave no usable answer; `status` is its HTTP status, 0 for none."""

    def __init__(self, message: str, hint: str = "", *, status: int = 0) -> None:
        super().__init__(message, hint, code="label_studio")
        self.status = status


class Transport:
    """Connection to one Label Studio; use it as a context manager. Every request together ends at the deadline."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        longest_s: float = LABEL_STUDIO_POLL_S,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        import httpx

        self.url, self._token, self._wait = check_url(url).rstrip("/"), token, wait
        self._until = time.monotonic() + longest_s
        self._authorization = ""
        try:
            self._client = httpx.Client(
                base_url=self.url,
                headers={"accept": "application/json", "user-agent": "ratchet"},
                follow_redirects=False,
                trust_env=not is_local(url),
            )
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
            raise RatchetError(
                f"the proxy or the certificates of the environment cannot be used ({type(error).__name__}).",
                "Check HTTPS_PROXY and ALL_PROXY, which must begin with http:// or https://, and SSL_CERT_FILE.",
                code="bad_proxy",
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def get(self, path: str, **query: str | int) -> Any:
        """Return the JSON at `path`; retried until the deadline. Raises `LabelStudioError`."""
        return self._retry("GET", path, query, None)

    def patch(self, path: str, content: Any) -> Any:
        """Change what is at `path`, which may be repeated; retried until the deadline. Raises `LabelStudioError`."""
        return self._retry("PATCH", path, {}, content)

    def post(self, path: str, content: Any, **query: str | int) -> Any:
        """Send `content` once: a second try could do it twice. Raises `LabelStudioError`."""
        return self._once("POST", path, query, content)

    def _retry(self, method: str, path: str, query: dict[str, str | int], content: Any) -> Any:
        for pause_s in (*_PAUSES_S, None):
            try:
                return self._once(method, path, query, content)
            except LabelStudioError as error:
                again = error.status in _AGAIN or not error.status
                if pause_s is None or not again or time.monotonic() + pause_s >= self._until:
                    raise
            self._wait(pause_s)
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, query: dict[str, str | int], content: Any) -> Any:
        headers = {"authorization": self._authorize()}
        status, body = self._send(method, path, query, content, headers)
        if status == 401 and _is_refresh(self._token):  # the short-lived half of a personal token has expired
            self._authorization = ""
            status, body = self._send(method, path, query, content, {"authorization": self._authorize()})
        if not 200 <= status < 300:
            raise self._failed(status)
        return self._parse(body)

    def _authorize(self) -> str:
        """Return the header of the token: as it is, or exchanged for a short-lived one where it is a personal one."""
        if not self._authorization:
            if _is_refresh(self._token):
                status, body = self._send("POST", "/api/token/refresh", {}, {"refresh": self._token}, {})
                access = self._parse(body).get("access") if status == 200 else None
                if not isinstance(access, str) or not access.isascii() or not access.isprintable():
                    raise self._failed(401 if status == 200 else status)
                self._authorization = f"Bearer {access}"
            else:
                self._authorization = f"Token {self._token}"
        return self._authorization

    def _send(
        self, method: str, path: str, query: dict[str, str | int], content: Any, headers: dict[str, str]
    ) -> tuple[int, bytes]:
        import httpx

        left_s = min(LABEL_STUDIO_ANSWER_S, self._until - time.monotonic())
        if left_s <= 0:
            raise LabelStudioError(f"Label Studio at {self.url} was too slow.", "What is left comes by the next poll.")
        started, body = time.monotonic(), bytearray()
        sent = None if content is None else json.dumps(content, ensure_ascii=False, allow_nan=False).encode()
        kind = {} if sent is None else {"content-type": "application/json"}
        try:
            with self._client.stream(
                method, path, params=query, content=sent, headers={**headers, **kind}, timeout=left_s
            ) as response:
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > LARGEST_BYTES:
                        raise LabelStudioError(f"an answer of Label Studio is over {LARGEST_BYTES} bytes.", status=413)
                    if time.monotonic() - started > left_s:  # httpx limits each read, not their sum
                        raise LabelStudioError(f"Label Studio at {self.url} did not end its answer in time.")
                return response.status_code, bytes(body)
        except httpx.TimeoutException:
            raise LabelStudioError(f"Label Studio at {self.url} did not answer within {left_s:.0f} s.") from None
        except httpx.ConnectError:
            raise LabelStudioError(
                f"Label Studio at {self.url} cannot be reached.", "Start it: 'make label-studio' runs one of your own."
            ) from None
        except httpx.HTTPError:
            raise LabelStudioError(f"the connection to Label Studio at {self.url} broke.") from None

    def _parse(self, body: bytes) -> Any:
        try:
            return parse_strictly(body) if body.strip() else None
        except (ValueError, RecursionError):
            raise LabelStudioError(f"Label Studio at {self.url} answered what is not JSON.", status=502) from None

    def _failed(self, status: int) -> LabelStudioError:
        hint = _HINTS.get(status, "")
        if 300 <= status < 400:
            hint = "Redirects are not followed: set review.label_studio to the address that it redirects to."
        return LabelStudioError(f"Label Studio at {self.url} answered HTTP {status}.", hint, status=status)


def _is_refresh(token: str) -> bool:
    """True for a personal access token, which is a JSON Web Token: three parts."""
    return token.count(".") == 2
