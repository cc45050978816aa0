"""Preloading of heavy imports in the process that Airflow forks its tasks from.

Imports dominate the run time of a short task: about 5 s for pandas, scikit-learn and MLflow together. Airflow
forks its tasks from the scheduler (LocalExecutor) or from a Celery worker, so modules imported there are free
for tasks, and their memory is shared. Call it from ``airflow_local_settings.py``::

    import sys

    if "scheduler" in sys.argv:  # or "worker", with Celery
        from airflow_mlops.preload import warm

        warm()

It only imports: fitting a model or starting a thread before the fork can hang the forked task.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable

from airflow_mlops.common.imports import import_without_warnings

log = logging.getLogger(__name__)

MODULES = (
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "sqlalchemy",
    "pydantic",
    "scipy.special",
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
    "mlflow.store.tracking.sqlalchemy_store",  # MLflow without a server: saves 1 s of CPU per task
    "airflow_mlops.core.evaluation.comparison",
    "airflow_mlops.core.training.fit",
    "airflow_mlops.execution.steps.model_steps",
    "airflow_mlops.store.reports",
)


def warm(modules: Iterable[str] = MODULES) -> dict[str, float]:
    """Import each module; log and skip one that fails, since a task may not need it.

    :param modules: names of modules.
    :return: import time in seconds of each imported module.
    """
    seconds: dict[str, float] = {}
    for name in modules:
        start = time.perf_counter()
        try:
            import_without_warnings(name)
        except Exception as error:  # a broken optional library must not stop the scheduler
            log.info("Skipping preload of %s (%s: %s)", name, type(error).__name__, error)
            continue
        seconds[name] = time.perf_counter() - start
    log.info("Preloaded %d modules in %.1f s", len(seconds), sum(seconds.values()))
    return seconds
