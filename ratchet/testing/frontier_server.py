"""Frontier endpoint on loopback for tests: real HTTP, OpenAI's protocol, and every fault that a real one shows.

A function given by the test chooses the answers, so that figures can be checked. Add a fault as a branch of
`_Handler.do_POST`.
"""

import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

FrontierFault = Literal[
    "", "429", "429_for_an_hour", "500", "401", "400", "403", "404", "402",
    "slow", "drip", "drip_headers", "cut_off", "no_json", "wrong_shape", "ten_megabytes", "refusal",
    "chatter", "unknown_code", "no_usage", "no_logprobs", "false_logprobs", "too_many_tokens", "too_much_counted",
    "cut_short", "redirect",
]  # fmt: skip


@dataclass
class LocalFrontier:
    """Behaviour of the server, and the requests it got. `faults(n)` is the fault of the n-th request, from 0."""

    answer: Callable[[str], str] = lambda prompt: "1"
    """Code of the answer to a prompt."""
    faults: Callable[[int], FrontierFault] = lambda number: ""
    codes: Sequence[str] = ("1", "2", "3")
    slow_s: float = 1.0
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    """Bodies, in the order of their arrival."""
    keys: list[str | None] = field(default_factory=list)
    tokens_in: int = 0
    tokens_out: int = 0
    """Tokens that it would bill."""
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def serve_locally(frontier: LocalFrontier) -> Iterator[LocalFrontier]:
    """Serve on a free port of loopback while the context lasts; sets `base_url`."""

    class Handler(_Handler):
        state = frontier

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    frontier.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield frontier
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: LocalFrontier

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that the base class gives it
        """Log nothing."""

    def do_POST(self) -> None:
        """Answer one question, or show the fault that is due."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.state.lock:
            fault = self.state.faults(len(self.state.requests))
            self.state.requests.append(body)
            self.state.keys.append(self.headers.get("authorization"))
        if self.path != "/v1/chat/completions":
            return self._send(404, {"error": {"message": f"no route {self.path}"}})
        if fault in ("429", "429_for_an_hour"):
            after = "0" if fault == "429" else "3600"
            return self._send(429, {"error": {"message": "slow down"}}, {"retry-after": after})
        if fault == "401":
            return self._send(
                401, {"error": {"message": f"Incorrect API key provided: {self.headers.get('authorization')}"}}
            )
        if fault.isdecimal() and fault != "500":
            return self._send(int(fault), {"error": {"message": "no"}})
        if fault == "redirect":
            return self._send(307, {}, {"location": "http://127.0.0.1:9/elsewhere"})
        if fault == "500":
            return self._send(500, {"error": {"message": "it broke"}})
        if fault == "slow":
            time.sleep(self.state.slow_s)
        return self._answer(body, fault)

    def _answer(self, body: dict[str, Any], fault: str) -> None:
        code = self.state.answer(body["messages"][-1]["content"])
        words = {
            "chatter": f"I think it is {code}.",
            "unknown_code": "Z",
            "refusal": None,
            "wrong_shape": 7,
            "cut_short": "",
        }
        document: dict[str, Any] = {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 0, "model": body["model"],
            "choices": [self._choice(body, words.get(fault, code), code, fault)],
            "usage": self._usage(body, fault),
        }  # fmt: skip
        if fault == "no_usage":
            del document["usage"]
        if fault == "no_json":
            return self._send_bytes(200, b"<html>bad gateway</html>")
        if fault == "ten_megabytes":
            return self._send_bytes(200, json.dumps({**document, "padding": "x" * 10_000_000}).encode())
        if fault in ("drip", "drip_headers"):
            return self._drip(json.dumps(document).encode(), in_headers=fault == "drip_headers")
        if fault == "cut_off":
            return self._send_bytes(200, json.dumps(document).encode(), more=50)
        return self._send(200, document)

    def _choice(self, body: dict[str, Any], content: Any, code: str, fault: str) -> dict[str, Any]:
        refusal = "I cannot help with that." if fault == "refusal" else None
        choice: dict[str, Any] = {
            "index": 0, "finish_reason": "length" if fault == "cut_short" else "stop",
            "message": {"role": "assistant", "content": content, "refusal": refusal},
        }  # fmt: skip
        if body.get("logprobs") and fault != "no_logprobs":
            rest = 0.2 / max(1, len(self.state.codes) - 1)
            shares = {each: 0.8 if each == code else rest for each in self.state.codes}
            top = [{"token": each, "logprob": math.log(share), "bytes": None} for each, share in shares.items()]
            if fault == "false_logprobs":
                top = [{"token": each, "logprob": 5.0, "bytes": None} for each in self.state.codes]
            choice["logprobs"] = {
                "content": [{"token": code, "logprob": math.log(0.8), "bytes": None, "top_logprobs": top}]
            }
        return choice

    def _usage(self, body: dict[str, Any], fault: str) -> dict[str, int]:
        sent = sum(len(message["content"].split()) for message in body["messages"])
        sent += 50_000 if fault == "too_much_counted" else 0
        written = 5000 if fault == "too_many_tokens" else 1
        with self.state.lock:
            self.state.tokens_in += sent
            self.state.tokens_out += written
        return {"prompt_tokens": sent, "completion_tokens": written, "total_tokens": sent + written}

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        self._send_bytes(status, json.dumps(content).encode(), headers)

    def _send_bytes(self, status: int, body: bytes, headers: dict[str, str] | None = None, more: int = 0) -> None:
        """Send a response; `more` is the number of bytes that are promised and never sent."""
        try:
            self.send_response(status)
            for name, value in {
                "content-type": "application/json",
                "content-length": str(len(body) + more),
                **(headers or {}),
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has disconnected, as it does after a time-out
        self.close_connection = self.close_connection or bool(more)

    def _drip(self, body: bytes, in_headers: bool) -> None:
        """Send one byte at a time, for much longer than any time-out."""
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        if in_headers:
            self.flush_headers()
            body = b"x-padding: " + b"x" * 10_000
        else:
            self.end_headers()
        try:
            for byte in body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(self.state.slow_s / 10)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
