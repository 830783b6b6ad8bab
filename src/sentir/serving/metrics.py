"""What the server measures, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
_SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """The metrics of one app, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "sentir_requests_total", "Requests.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "sentir_request_seconds",
            "Duration of requests.",
            ("route",),
            buckets=_SECONDS_BUCKETS,
            registry=self.registry,
        )
        self.requests_in_progress = Gauge(
            "sentir_requests_in_progress", "Requests being handled.", registry=self.registry
        )
        self.streams = Gauge("sentir_streams", "Streams that are open.", registry=self.registry)
        self.predictions = Counter(
            "sentir_predictions_total", "Inputs that were predicted.", ("model",), registry=self.registry
        )
        self.batch_size = Histogram(
            "sentir_batch_inputs",
            "Inputs that were predicted together.",
            ("model",),
            buckets=_BATCH_BUCKETS,
            registry=self.registry,
        )
        self.queue_size = Gauge(
            "sentir_queue_inputs", "Inputs that wait for a model.", ("model",), registry=self.registry
        )
