"""The metrics by their names."""

from __future__ import annotations

from airflow_mlops.core.errors import BadInput
from airflow_mlops.core.metrics.binary import BINARY
from airflow_mlops.core.metrics.metric import Metric
from airflow_mlops.core.metrics.multiclass import MULTICLASS
from airflow_mlops.core.metrics.regression import REGRESSION

METRICS: dict[str, Metric] = {m.name: m for m in (*BINARY, *MULTICLASS, *REGRESSION)}


def metric(name: str) -> Metric:
    """Give a metric by its name.

    :raises BadInput: when there is none of that name.
    """
    try:
        return METRICS[name]
    except KeyError:
        raise BadInput(f"there is no metric {name!r}", mend=f"use one of {sorted(METRICS)}") from None


def of_task(name: str) -> dict[str, Metric]:
    """Give all metrics that fit the same task as the named one, itself first."""
    chosen = metric(name)
    return {name: chosen} | {m.name: m for m in METRICS.values() if m.task == chosen.task}
