"""Prometheus metrics of `/metrics`. Labels come from closed sets: classifiers of the home, slots, status codes.

Add a metric here; it is counted where the event happens.
"""

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector

from gateway.flags.evaluation import FlagEvaluation
from gateway.observability.home_metrics import HomeGauges
from gateway.serving.batching import Batch
from ratchet.review.reasons import AUDIT, DISAGREEMENT, LOW_CONFIDENCE, USER_FEEDBACK

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


QUEUED_REASONS = (USER_FEEDBACK, LOW_CONFIDENCE, DISAGREEMENT, AUDIT)
LOSS_CAUSES = ("disk", "fault", "limit", "overload", "text")
"""Causes why a request is not queued: the log cannot be written, an error of ours, a limit, too many events, a text
that is gone."""


class Metrics:
    """Metrics of one gateway, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "ratchet_requests", "Answered requests.", ["classifier", "slot", "code"], registry=self.registry
        )
        self.paths = Counter(
            "ratchet_answers",
            "Answered texts, by path and runtime.",
            ["classifier", "path", "runtime"],
            registry=self.registry,
        )
        self.edge_faults = Counter(
            "ratchet_edge_faults", "Texts that the edge path failed on and the calibrated path answered.",
            ["classifier", "slot"], registry=self.registry,
        )  # fmt: skip
        self.duration = Histogram(
            "ratchet_request_duration_seconds",
            "Time from the first byte to the answer.",
            ["classifier"],
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.queued = Histogram(
            "ratchet_request_queue_duration_seconds",
            "Time that a request waited for the model.",
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.inferred = Histogram(
            "ratchet_request_inference_duration_seconds",
            "Time that the model took for a batch.",
            registry=self.registry,
            buckets=_SECONDS,
        )
        self.batch = Histogram(
            "ratchet_batch_size",
            "Texts answered in one batch.",
            registry=self.registry,
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
        )
        self.waiting = Gauge("ratchet_queue_size", "Texts that wait for the model.", registry=self.registry)
        self.weight = Gauge(
            "ratchet_rollout_weight_ratio",
            "Share of users that a slot answers.",
            ["classifier", "slot"],
            registry=self.registry,
        )
        self.adapter = Gauge(
            "ratchet_adapter_info",
            "Adapter that a slot holds.",
            ["classifier", "slot", "digest"],
            registry=self.registry,
        )
        self.log_failures = Counter(
            "ratchet_log_failures", "Answers whose row could not be written.", ["classifier"], registry=self.registry
        )
        self.shadow_pairs = Counter(
            "ratchet_shadow_requests",
            "Requests sent to both adapters, by result of the comparison.",
            ["classifier", "result"],
            registry=self.registry,
        )
        self.shadow_dropped = Counter(
            "ratchet_shadow_dropped", "Shadow texts dropped under load.", ["classifier"], registry=self.registry
        )
        self.fallbacks = Counter(
            "ratchet_flag_fallbacks",
            "Requests that live answered because the flag provider gave no usable answer.",
            ["classifier", "cause"],
            registry=self.registry,
        )
        self.reserved_disk = Gauge(
            "ratchet_reserved_disk_bytes", "Disk space reserved for the ledger and the flags.", registry=self.registry
        )
        self.entries = Gauge("ratchet_ledger_entries", "Entries of the ledger.", ["classifier"], registry=self.registry)
        self.followed = Gauge(
            "ratchet_ledger_followed",
            "1 where this gateway answers by the newest entry of the ledger, 0 where it does not.",
            ["classifier"],
            registry=self.registry,
        )
        self.cycled = Gauge(
            "ratchet_last_cycle_timestamp_seconds",
            "End of the newest cycle, whatever its result.",
            ["classifier"],
            registry=self.registry,
        )
        self.rollout = Gauge(
            "ratchet_rollout_status",
            "State of a rollout: 0 running, 1 promoted, 2 rolled back.",
            ["classifier"],
            registry=self.registry,
        )
        self.guardrail = Gauge(
            "ratchet_guardrail_value",
            "Value of a guardrail at its last evaluation.",
            ["classifier", "metric"],
            registry=self.registry,
        )
        self.review_queued = Counter(
            "ratchet_review_queued_requests",
            "Requests queued for review by this gateway.",
            ["classifier", "reason"],
            registry=self.registry,
        )
        self.review_lost = Counter(
            "ratchet_review_lost_requests",
            "Requests that gave cause to be queued for review and were not.",
            ["classifier", "cause"],
            registry=self.registry,
        )
        self.review_waiting = Gauge(
            "ratchet_review_waiting_requests",
            "Requests that wait in the review queue.",
            ["classifier", "reason"],
            registry=self.registry,
        )
        self.review_oldest = Gauge(
            "ratchet_review_oldest_age_seconds",
            "Age of the oldest request that waits in the review queue, 0 where none does.",
            ["classifier", "reason"],
            registry=self.registry,
        )
        self.home = HomeGauges(self.registry)
        self.registry.register(
            _FormerNames({"ratchet_unlogged": self.log_failures, "ratchet_ballast_bytes": self.reserved_disk})
        )

    def record_evaluation(self, evaluation: FlagEvaluation) -> None:
        """Count an evaluation whose answer could not be used."""
        if evaluation.fallback:
            self.fallbacks.labels(evaluation.details.flag_key, evaluation.fallback).inc()

    def begin_review(self, classifiers: Iterable[str]) -> None:
        """Begin every series of the review queue's counters, so that what happens later adds none."""
        for name in classifiers:
            for reason in QUEUED_REASONS:
                self.review_queued.labels(name, reason)
            for cause in LOSS_CAUSES:
                self.review_lost.labels(name, cause)

    def watch(self, batch: Batch) -> None:
        """Count one answered batch."""
        self.batch.observe(batch.texts)
        self.inferred.observe(batch.answered_s)
        for waited_s in batch.waited_s:
            self.queued.observe(waited_s)


class _FormerNames(Collector):
    """Collector that exports renamed metrics under their former names too; goes with the next release."""

    def __init__(self, metrics: Mapping[str, Counter | Gauge]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield a copy of each metric, with equal values."""
        for former, metric in self._metrics.items():
            for family in metric.collect():
                current = f"{family.name}_total" if family.type == "counter" else family.name
                copy = Metric(former, f"Former name of {current}; goes with the next release.", family.type)
                copy.samples = [
                    sample._replace(name=former + sample.name.removeprefix(family.name)) for sample in family.samples
                ]
                yield copy
