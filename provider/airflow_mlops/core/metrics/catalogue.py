"""Catalogue of metrics: the built-in ones, those of installed packages and those behind import paths."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_mlops.common.errors import BadInput
from airflow_mlops.common.extensions import ExtensionPoint
from airflow_mlops.core.metrics.binary import BINARY
from airflow_mlops.core.metrics.metric import Metric
from airflow_mlops.core.metrics.multiclass import MULTICLASS
from airflow_mlops.core.metrics.regression import REGRESSION

METRICS: dict[str, Metric] = {m.name: m for m in (*BINARY, *MULTICLASS, *REGRESSION)}
"""The built-in metrics."""
ALIASES = {alias: m.name for m in METRICS.values() for alias in m.aliases}


def _invalid_metric_reason(value: Any) -> str | None:
    if isinstance(value, Metric):
        return None
    return "a function without direction and task" if callable(value) else f"an object of type {type(value).__name__}"


METRIC_EXTENSIONS: ExtensionPoint[Metric] = ExtensionPoint(
    "metric",
    "metrics",
    METRICS,
    _invalid_metric_reason,
    hint="write profit = Metric.from_function('profit', function, direction='higher', task='binary')",
)


def canonical_name(reference: str) -> str:
    """Return the name that an alias stands for, and any other reference unchanged; nothing is imported."""
    return ALIASES.get(reference, reference)


def get_metric(reference: str) -> Metric:
    """Return a metric.

    :param reference: a name, an alias such as ``average_precision``, the name of an entry point of the group
        ``airflow_mlops.metrics``, or an import path such as ``acme.metrics:profit``.
    :returns: the metric; the name of one that is not built in is the reference.
    :raises BadInput: when the metric is unknown, cannot be imported, or is not a :class:`Metric`.
    """
    name = canonical_name(reference)
    metric = METRIC_EXTENSIONS.get(name)
    return metric if metric.name == name else replace(metric, name=name)


def find_metric(reference: str) -> Metric | None:
    """Return a metric, or ``None`` when it is not available: a stored report may name a metric that is gone."""
    try:
        return get_metric(reference)
    except BadInput:
        return None


def metrics_of_same_task(reference: str) -> dict[str, Metric]:
    """Return the metric of a reference, followed by the built-in metrics of its task."""
    chosen = get_metric(reference)
    return {chosen.name: chosen} | {m.name: m for m in METRICS.values() if m.task == chosen.task}
