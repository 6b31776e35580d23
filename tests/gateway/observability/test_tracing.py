"""Traces go to a real collector when they are asked for, show how the flag was evaluated, and name nobody."""

import gzip
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.flags.evaluation import FlagEvaluation
from gateway.observability import tracing
from gateway.settings import Settings, read_settings
from ratchet.core.errors import RatchetError
from ratchet.storage.home import Home
from ratchet.storage.rollout.flag_file import Flags

pytestmark = pytest.mark.slow

URL, ROUTE = "/v1/classifiers/small", "/v1/classifiers/{name}"
TEXT, USER = "money back for ada lovelace", "ada.lovelace@example.org"
MARKED = {
    "params": {"q": USER},
    "json": {"text": TEXT, "user_id": USER},
    "headers": {
        "Authorization": f"Bearer {USER}", "User-Agent": USER, "Referer": f"http://{USER}/", "Cookie": f"u={USER}",
        "X-Request-Id": USER, "tracestate": "x=lovelace", "baggage": f"u={USER}",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    },
}  # fmt: skip
"""A request that names the user wherever a client can put text."""
ATTRIBUTES = {"http.request.method", "http.response.status_code", "http.route", "url.scheme", "error.type"}


class Collector:
    """An OTLP/HTTP collector on loopback, which keeps what it is sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.bodies.append(
                    gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
                )
                collector.paths.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is http.server's
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def spans(self) -> list[Any]:
        """Every span that was sent."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector."""
    found = Collector()
    yield found
    found.server.shutdown()
    found.server.server_close()


def attributes(found: Any) -> dict[str, Any]:
    """Those of a span or an event."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in found.attributes}


@pytest.fixture
def traced(
    home: Home, collector: Collector, made: tuple[Home, list[str]], enter: Callable[..., None]
) -> Callable[..., list[Any]]:
    """Ask a gateway whose candidate answers nearly everyone, stop it, and return the spans."""
    enter(made[1][1], "shadow")
    enter(made[1][1], "step", 99)

    def ask(*requests: tuple[str, str, dict[str, Any]], **settings: Any) -> list[Any]:
        app = create_app(Settings(home=home.root, open=True, **{"otlp_endpoint": collector.address, **settings}))
        with TestClient(app, raise_server_exceptions=False) as client:
            for method, path, given in requests:
                client.request(method, path, **given)
        return collector.spans

    return ask


@pytest.mark.feature(34)
def test_a_request_is_a_span_with_the_evaluation_of_its_flag(
    traced: Callable[..., list[Any]], collector: Collector, home: Home
) -> None:
    """Sent to the collector in OTLP, at the latest when the gateway stops; the caller's trace goes on."""
    trace_id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    headers = {
        "traceparent": f"00-{trace_id}-{parent}-01",
        "tracestate": f"x={USER.partition('@')[0]}",
        "baggage": f"u={USER}",
    }
    (span,) = traced(("POST", URL, {"json": {"text": TEXT, "user_id": USER}, "headers": headers}))
    assert collector.paths == ["/v1/traces"]
    assert (span.name, span.trace_id.hex(), span.parent_span_id.hex()) == (
        "POST /v1/classifiers/{name}",
        trace_id,
        parent,
    )
    assert span.trace_state == ""
    assert attributes(span) == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "http.route": "/v1/classifiers/{name}",
        "http.response.status_code": 200,
    }
    (event,) = span.events
    said = attributes(event)
    assert event.name == "feature_flag.evaluation"
    assert len(said.pop("feature_flag.context.id")) == 32
    assert said == {
        "feature_flag.key": "small",
        "feature_flag.provider.name": "ratchet-file",
        "feature_flag.result.variant": "candidate",
        "feature_flag.result.reason": "targeting_match",
        "feature_flag.set.id": "ratchet",
        "feature_flag.version": str(Flags(home).read().generation),
    }


def test_one_user_is_one_context_and_nobody_can_tell_whose(
    traced: Callable[..., list[Any]], collector: Collector
) -> None:
    """T23: neither text nor user is anywhere in what was sent; the same user is the same hash, until the gateway starts
    again."""
    ask = ("POST", URL, {"json": {"text": TEXT, "user_id": USER}})
    spans = traced(ask, ask, ("POST", URL, {"json": {"text": TEXT, "user_id": "bob"}}))
    first, again, other = (attributes(span.events[0])["feature_flag.context.id"] for span in spans)
    assert first == again != other
    after = attributes(traced(ask)[-1].events[0])["feature_flag.context.id"]
    assert after != first
    sent = b"".join(collector.bodies).lower()
    assert all(word not in sent for word in (b"lovelace", b"money back", b"example.org", b"bob"))


def test_a_refused_request_shows_its_status_and_nothing_of_what_was_sent(
    traced: Callable[..., list[Any]], collector: Collector
) -> None:
    """A classifier and a path that are none of ours, a method that is none, a body that is wrong."""
    spans = traced(
        ("POST", f"/v1/classifiers/{USER}", {"json": {"text": TEXT}}),
        ("GET", f"/nowhere/{USER}?user={USER}", {}),
        ("LOVELACE", URL, {}),
        ("POST", URL, {"content": f'{{"user_id": "{USER}"'.encode(), "headers": {"Content-Type": "application/json"}}),
    )
    assert [span.name for span in spans] == [f"POST {ROUTE}", "GET", f"HTTP {ROUTE}", f"POST {ROUTE}"]
    assert [attributes(span)["http.response.status_code"] for span in spans] == [404, 404, 405, 422]
    assert all(not span.events for span in spans)
    assert b"lovelace" not in b"".join(collector.bodies).lower()


@pytest.mark.feature(34)
def test_text_in_any_part_of_a_request_is_in_no_span(traced: Callable[..., list[Any]], collector: Collector) -> None:
    """Query, body, headers and key of a request that is answered: only attributes of a closed list are sent."""
    spans = traced(("POST", URL, MARKED), ("POST", f"/v1/classifiers/{USER}", MARKED), ("LOVELACE", URL, MARKED))
    assert [attributes(span)["http.response.status_code"] for span in spans] == [200, 404, 405]
    assert set().union(*(attributes(span) for span in spans)) <= ATTRIBUTES
    sent = b"".join(collector.bodies).lower()
    assert all(word not in sent for word in (b"lovelace", b"money back", b"example.org", b"bearer"))


@pytest.mark.parametrize(
    "leak",
    [
        '"url.query": scope["query_string"].decode()',
        '"http.target": scope["path"]',
        '"http.request.header.authorization": str(dict(scope["headers"]).get(b"authorization"))',
    ],
)
def test_a_trace_with_a_part_of_the_request_is_noticed(
    collector: Collector, plant: Callable[..., ModuleType], leak: str
) -> None:
    """Mutants: query, path or key becomes an attribute."""

    def sends_marker(module: ModuleType) -> bool:
        app, traces = FastAPI(), module.Tracing(collector.address)
        app.add_api_route("/echo/{name}", lambda name: name, methods=["POST"])
        traces.wrap(app)
        traces.start()
        collector.bodies.clear()
        with TestClient(app) as client:
            assert client.post(f"/echo/{USER}", **MARKED).status_code == 200
        traces.stop()
        assert len(collector.spans) == 1
        return b"lovelace" in b"".join(collector.bodies).lower()

    scheme = '"url.scheme": scope["scheme"]'
    assert (sends_marker(tracing), sends_marker(plant(tracing, scheme, f"{scheme}, {leak}"))) == (False, True)


def test_a_fault_is_an_error_without_its_message(home: Home, collector: Collector) -> None:
    """An exception may hold what was sent, so the span says 500 and no more."""
    app = create_app(Settings(home=home.root, open=True, otlp_endpoint=collector.address))

    @app.get("/broken")
    def broken() -> None:
        raise ValueError(USER)

    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.get("/broken").status_code == 500
    (span,) = collector.spans
    assert (attributes(span)["error.type"], span.status.code, len(span.events)) == ("500", 2, 0)
    assert b"lovelace" not in b"".join(collector.bodies)


def test_a_provider_that_failed_is_an_error_in_the_event() -> None:
    """With the cause from a closed set, and no variant: nobody got it."""
    from openfeature.flag_evaluation import FlagEvaluationDetails

    said = FlagEvaluationDetails("small", "x", variant="new", reason="STATIC")
    found = tracing.Tracing()._describe(FlagEvaluation(said, "u1", "theirs", "unknown_adapter"))
    assert (found["error.type"], found["feature_flag.result.reason"]) == ("unknown_adapter", "error")
    assert "feature_flag.result.variant" not in found


def test_probes_leave_no_span(traced: Callable[..., list[Any]]) -> None:
    """They come every second, and say nothing."""
    assert traced(*(("GET", path, {}) for path in ("/healthz", "/readyz", "/metrics"))) == []


def test_without_an_endpoint_nothing_is_imported_or_sent(home: Home, collector: Collector) -> None:
    """A gateway that answers and stops never loads the SDK."""
    script = f"""
import sys
from pathlib import Path
from starlette.testclient import TestClient
from gateway.app import create_app
from gateway.settings import Settings
with TestClient(create_app(Settings(home=Path({str(home.root)!r}), open=True))) as client:
    assert client.post({URL!r}, json={{"text": "a"}}).status_code == 200
sys.exit(any(name.startswith(("opentelemetry.sdk", "opentelemetry.exporter")) for name in sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert collector.bodies == []


def test_an_endpoint_that_is_no_address_is_refused(home: Home) -> None:
    """At the start, by the name of its variable."""
    with pytest.raises(RatchetError, match="otlp_endpoint cannot be used"):
        read_settings(home=home.root, otlp_endpoint="collector:4318")


def test_a_collector_that_is_away_costs_no_request(home: Home, collector: Collector) -> None:
    """Spans are lost, answers are not."""
    collector.server.server_close()
    app = create_app(Settings(home=home.root, open=True, otlp_endpoint=collector.address))
    with TestClient(app) as client:
        assert client.post(URL, json={"text": "a"}).status_code == 200


def test_a_trace_that_names_the_user_is_noticed(plant: Callable[..., ModuleType]) -> None:
    """T23's mutants: the key itself, or a hash that anybody can compute from a list of users."""
    from hashlib import sha256

    from openfeature.flag_evaluation import FlagEvaluationDetails

    heard = FlagEvaluation(FlagEvaluationDetails("small", "x"), USER, "ours")

    def guessed(module: ModuleType) -> bool:
        found = module.Tracing()._describe(heard)["feature_flag.context.id"]
        return found in {USER, sha256(USER.encode()).hexdigest()[:32]}

    hashed = 'hmac.digest(self._secret, evaluation.key.encode(errors="replace"), "sha256").hex()[:32]'
    assert not guessed(tracing)
    assert guessed(plant(tracing, hashed, "evaluation.key"))
    assert guessed(plant(tracing, hashed, '__import__("hashlib").sha256(evaluation.key.encode()).hexdigest()[:32]'))
