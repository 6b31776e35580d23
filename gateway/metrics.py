"""What Prometheus reads at `/metrics`. Labels come from closed sets: classifiers of the home, slots, status codes.

Add a metric here; it is counted where the thing happens.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The metrics of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("ratchet_requests", "Answered requests.", ["classifier", "slot", "code"], registry=self.registry)
        self.duration = Histogram(
            "ratchet_request_duration_seconds",
            "From the first byte to the answer.",
            ["classifier"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.waiting = Gauge("ratchet_queue_size", "Texts that wait for the model.", registry=self.registry)
        self.weight = Gauge(
            "ratchet_rollout_weight_ratio", "Share of users that a slot answers.", ["classifier", "slot"], registry=self.registry
        )
        self.adapter = Gauge(
            "ratchet_adapter_info", "Which adapter a slot holds.", ["classifier", "slot", "digest"], registry=self.registry
        )
        self.unlogged = Counter(
            "ratchet_unlogged", "Answers whose row could not be written.", ["classifier"], registry=self.registry
        )
        self.shadow_pairs = Counter(
            "ratchet_shadow_pairs", "Requests that both adapters were asked.", ["classifier", "result"], registry=self.registry
        )
        self.shadow_dropped = Counter(
            "ratchet_shadow_dropped", "Shadow texts dropped under load.", ["classifier"], registry=self.registry
        )
        self.rollout = Gauge(
            "ratchet_rollout_status",
            "Where a rollout stands: 0 running, 1 promoted, 2 rolled back.",
            ["classifier"],
            registry=self.registry,
        )
        self.guardrail = Gauge(
            "ratchet_guardrail_value",
            "The figure of a guardrail when it was last weighed.",
            ["classifier", "metric"],
            registry=self.registry,
        )
