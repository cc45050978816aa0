"""The server's figures, in Prometheus' text format.

Few and fixed, so that they are written here: https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping

BUCKETS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
PREFIX = "mlops_serving"
Labels = tuple[tuple[str, str], ...]
COUNTERS = {
    "requests_total": "Requests answered, by path and status.",
    "refused_total": "Requests refused, by reason.",
    "rows_total": "Rows scored.",
    "model_calls_total": "Calls of the model; requests that wait share one.",
    "model_restarts_total": "Times that the model's process ended and was started again.",
    "log_rows_total": "Rows of the prediction log, by what became of them.",
    "log_failures_total": "Writes of the prediction log that failed.",
}
GAUGES = {
    "waiting": "Requests that wait for the model.",
    "log_waiting_rows": "Rows that wait to be written into the prediction log.",
    "info": "What is served.",
}


class Figures:
    """Counts what happens; safe to be used by several threads.

    :param about: labels of what is served, such as model and version.
    """

    def __init__(self, about: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, Labels]] = Counter()
        self._levels: dict[tuple[str, Labels], float] = {("info", tuple(sorted(about.items()))): 1}
        self._buckets, self._seconds = [0] * (len(BUCKETS) + 1), 0.0

    def count(self, name: str, by: int = 1, **labels: str) -> None:
        """Count something that has happened."""
        with self._lock:
            self._counts[name, tuple(sorted(labels.items()))] += by

    def level(self, name: str, value: float) -> None:
        """Say how much there is of something now."""
        with self._lock:
            self._levels[name, ()] = value

    def took(self, seconds: float) -> None:
        """Count a scored request's time, in seconds."""
        with self._lock:
            self._buckets[bisect_left(BUCKETS, seconds)] += 1
            self._seconds += seconds

    def value(self, name: str, **labels: str) -> float:
        """Give a counter's value."""
        with self._lock:
            return self._counts[name, tuple(sorted(labels.items()))]

    def text(self) -> str:
        """Give all figures as Prometheus reads them."""
        with self._lock:
            lines = [*_told(COUNTERS, self._counts, "counter"), *_told(GAUGES, self._levels, "gauge")]
            lines += _histogram(self._buckets, self._seconds)
        return "\n".join(lines) + "\n"


def _told(known: Mapping[str, str], values: Mapping[tuple[str, Labels], float], kind: str) -> Iterator[str]:
    for name, help_ in known.items():
        yield f"# HELP {PREFIX}_{name} {help_}"
        yield f"# TYPE {PREFIX}_{name} {kind}"
        for (of, labels), value in sorted(values.items()):
            if of == name:
                yield (
                    f"{PREFIX}_{name}{_labels(labels)} {value:g}"
                    if kind == "gauge"
                    else (f"{PREFIX}_{name}{_labels(labels)} {int(value)}")
                )


def _labels(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}" if labels else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _histogram(buckets: list[int], seconds: float) -> Iterator[str]:
    name, total = f"{PREFIX}_seconds", 0
    yield f"# HELP {name} Seconds from a request's first byte to its answer, of requests that were scored."
    yield f"# TYPE {name} histogram"
    for edge, count in zip([*map(str, BUCKETS), "+Inf"], buckets, strict=True):
        total += count
        yield f'{name}_bucket{{le="{edge}"}} {total}'
    yield f"{name}_sum {seconds:.6f}"
    yield f"{name}_count {total}"
