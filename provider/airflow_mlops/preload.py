"""
Import what the lifecycle's tasks need, once, in the process from which they are forked.

Most of a short task's time is imports: about 5 s for pandas, scikit-learn and MLflow together. Airflow
forks its tasks from the scheduler (LocalExecutor) or from a Celery worker, so what that process has
imported costs a task nothing, and its memory is shared. Call it from ``airflow_local_settings.py``::

    import sys

    if "scheduler" in sys.argv:  # or "worker", with Celery
        from airflow_mlops.preload import warm

        warm()

Only imports happen here. A model fitted or a thread started before a fork can hang the forked task.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from airflow_mlops.core.imports import import_quietly

log = logging.getLogger(__name__)

MODULES = (
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "sqlalchemy",
    "pydantic",
    "joblib",
    "sklearn.pipeline",
    "sklearn.compose",
    "sklearn.ensemble",
    "sklearn.linear_model",
    "sklearn.preprocessing",
    "sklearn.impute",
    "sklearn.metrics",
    "skops.io",
    "mlflow",
    "mlflow.pyfunc",
    "mlflow.sklearn",
    "mlflow.tracking",
    "mlflow.store.tracking.sqlalchemy_store",  # MLflow without a server: a second of CPU in each task that asks it
    "airflow_mlops.core.registry.comparison",
    "airflow_mlops.core.training.fit",
    "airflow_mlops.run.steps",
    "airflow_mlops.store.reports",
)


def warm(modules: Iterable[str] = MODULES) -> dict[str, float]:
    """
    Import each module; one that is missing or broken is logged and left out, since a task may not need it.

    :param modules: names of modules
    :return: seconds spent for each module that could be imported
    """
    seconds: dict[str, float] = {}
    for name in modules:
        start = time.perf_counter()
        try:
            import_quietly(name)
        except Exception as error:  # a broken optional library must not keep the scheduler from starting
            log.info("not preloaded: %s (%s: %s)", name, type(error).__name__, error)
            continue
        seconds[name] = time.perf_counter() - start
    log.info("preloaded %d modules in %.1f s", len(seconds), sum(seconds.values()))
    return seconds
