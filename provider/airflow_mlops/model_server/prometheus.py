"""Metrics of the server in Prometheus' text format.

Written here, as they are few and fixed: https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping

BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
PREFIX = "mlops_serving"
MetricLabels = tuple[tuple[str, str], ...]
COUNTERS = {
    "requests_total": "Responses, by path and status.",
    "rejected_requests_total": "Rejected requests, by error code.",
    "scored_rows_total": "Rows scored.",
    "model_calls_total": "Calls of the model; queued requests share one.",
    "model_restarts_total": "Restarts of a model process that had ended.",
    "log_rows_total": "Rows of the prediction log, by outcome.",
    "log_failures_total": "Failed writes of the prediction log.",
}
GAUGES = {
    "queued_requests": "Requests in the queue of the model.",
    "log_queued_rows": "Rows in the queue of the prediction log.",
    "info": "The served version.",
}


class ServerMetrics:
    """Thread-safe counters, gauges and a latency histogram.

    :param about: labels of the served version, such as model and version.
    """

    def __init__(self, about: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, MetricLabels]] = Counter()
        self._levels: dict[tuple[str, MetricLabels], float] = {("info", tuple(sorted(about.items()))): 1}
        self._buckets, self._seconds = [0] * (len(BUCKETS) + 1), 0.0

    def increment(self, name: str, by: int = 1, **labels: str) -> None:
        """Increment a counter."""
        with self._lock:
            self._counts[name, tuple(sorted(labels.items()))] += by

    def set_gauge(self, name: str, value: float) -> None:
        """Set a gauge."""
        with self._lock:
            self._levels[name, ()] = value

    def observe_duration(self, seconds: float) -> None:
        """Observe the duration of a scored request, in seconds."""
        with self._lock:
            self._buckets[bisect_left(BUCKETS, seconds)] += 1
            self._seconds += seconds

    def value(self, name: str, **labels: str) -> float:
        """Return a counter's value."""
        with self._lock:
            return self._counts[name, tuple(sorted(labels.items()))]

    def render(self) -> str:
        """Return all metrics in Prometheus' text format."""
        with self._lock:
            lines = [*_render(COUNTERS, self._counts, "counter"), *_render(GAUGES, self._levels, "gauge")]
            lines += _render_histogram(self._buckets, self._seconds)
        return "\n".join(lines) + "\n"


def _render(known: Mapping[str, str], values: Mapping[tuple[str, MetricLabels], float], kind: str) -> Iterator[str]:
    for name, help_ in known.items():
        yield f"# HELP {PREFIX}_{name} {help_}"
        yield f"# TYPE {PREFIX}_{name} {kind}"
        for (of, labels), value in sorted(values.items()):
            if of == name:
                yield (
                    f"{PREFIX}_{name}{_render_labels(labels)} {value:g}"
                    if kind == "gauge"
                    else (f"{PREFIX}_{name}{_render_labels(labels)} {int(value)}")
                )


def _render_labels(labels: MetricLabels) -> str:
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels) + "}" if labels else ""


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _render_histogram(buckets: list[int], seconds: float) -> Iterator[str]:
    name, total = f"{PREFIX}_request_duration_seconds", 0
    yield f"# HELP {name} Duration of scored requests, from first byte to response."
    yield f"# TYPE {name} histogram"
    for edge, count in zip([*map(str, BUCKETS), "+Inf"], buckets, strict=True):
        total += count
        yield f'{name}_bucket{{le="{edge}"}} {total}'
    yield f"{name}_sum {seconds:.6f}"
    yield f"{name}_count {total}"
