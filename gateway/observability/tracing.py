"""OpenTelemetry traces: a span for each request, with the evaluation of its flag as an event.

Without an endpoint they are off, and nothing is imported. No text, user or name that a client sent becomes an attribute
(T23): routes are templates, users are keyed hashes. OpenTelemetry's own middleware cannot promise that
(`docs/decisions/0030-the-tracing-middleware-stays-ours.md`). Add here what else a trace may show; metrics are in
`metrics.py`.
"""

import hmac
import secrets
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.flags.evaluation import FlagEvaluation
from ratchet.core.timeouts import TRACE_EXPORT_S

EVENT = "feature_flag.evaluation"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = frozenset({"/healthz", "/readyz", "/metrics", "/health"})
_MAX_CHARS = 100


class Tracing:
    """Spans of one gateway, sent by a thread to the OTLP/HTTP collector at `endpoint`; without one it does nothing."""

    def __init__(self, endpoint: str = "") -> None:
        self._endpoint = endpoint.rstrip("/")
        self._provider: Any = None
        self._tracer: Any = None
        self._secret = secrets.token_bytes(32)

    def wrap(self, app: FastAPI) -> None:
        """Add the middleware that opens a span for every request of `app` except probes."""
        if self._endpoint:
            app.add_middleware(_Spans, tracing=self)

    def start(self) -> None:
        """Start to send spans."""
        if not self._endpoint:
            return
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "ratchet-gateway"}), shutdown_on_exit=False
        )
        exporter = OTLPSpanExporter(endpoint=f"{self._endpoint}/v1/traces", timeout=TRACE_EXPORT_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("ratchet.gateway")

    def stop(self) -> None:
        """Send the remaining spans, and stop."""
        if self._provider is not None:
            self._provider.shutdown()
            self._provider = self._tracer = None

    def record_evaluation(self, evaluation: FlagEvaluation) -> None:
        """Add an evaluation as an event to the span of its request."""
        if self._tracer is not None:
            from opentelemetry import trace

            trace.get_current_span().add_event(EVENT, self._describe(evaluation))

    async def follow(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request within a span. It continues the client's trace; trace state and baggage are ignored."""
        if self._tracer is None:
            await app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        sent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), "")
        name = "HTTP" if method == "_OTHER" else method  # as OpenTelemetry's conventions have it
        with self._tracer.start_as_current_span(
            name,
            context=TraceContextTextMapPropagator().extract({"traceparent": sent}),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "url.scheme": scope["scheme"]},
            record_exception=False,  # its message may hold what was sent
            set_status_on_exception=False,
        ) as span:
            status = 500

            async def watch(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                await send(message)

            try:
                await app(scope, receive, watch)
            finally:
                route = getattr(scope.get("route"), "path", "")
                if route:
                    span.update_name(f"{name} {route}")
                    span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_attribute("error.type", str(status))
                    span.set_status(StatusCode.ERROR)

    def _describe(self, evaluation: FlagEvaluation) -> dict[str, str]:
        details = evaluation.details
        user = hmac.digest(self._secret, evaluation.key.encode(errors="replace"), "sha256").hex()[:32]
        attributes: dict[str, object] = {
            "feature_flag.key": details.flag_key,
            "feature_flag.provider.name": evaluation.provider,
            "feature_flag.result.variant": "" if evaluation.fallback else details.variant,
            "feature_flag.result.reason": "error" if evaluation.fallback else str(details.reason or "unknown").lower(),
            "feature_flag.context.id": user,
            "feature_flag.set.id": details.flag_metadata.get("flagSetId"),
            "feature_flag.version": details.flag_metadata.get("version"),
            "error.type": evaluation.fallback,
        }
        return {name: str(value)[:_MAX_CHARS] for name, value in attributes.items() if value}


class _Spans:
    """ASGI middleware, which FastAPI makes for the first request."""

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app, self._tracing = app, tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in _PROBES:
            await self._tracing.follow(self._app, scope, receive, send)
        else:
            await self._app(scope, receive, send)
