"""DAG factory: a model's DAGs from one ``lifecycle.yaml``. Imported at DAG parsing."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from airflow.sdk import DAG

from airflow_mlops.core.lifecycle.spec import Lifecycle
from airflow_mlops.dag_factory.features import features_dag
from airflow_mlops.dag_factory.model_dags import ModelDags
from airflow_mlops.dag_factory.monitoring import monitoring_dag
from airflow_mlops.dag_factory.scoring import scoring_dag
from airflow_mlops.dag_factory.training import training_dag

__all__ = ["lifecycle_dags"]


def lifecycle_dags(spec: str | PathLike[str] | Mapping[str, Any] | Lifecycle) -> list[DAG]:
    """Create a model's DAGs in a file below ``dags/``; Airflow registers them without an assignment::

        lifecycle_dags("include/churn/lifecycle.yaml")

    They are ``<model>_features``, ``<model>_training``, ``<model>_scoring`` and ``<model>_monitoring``, except those
    that the file sets to ``null``.

    :param spec: the path of a ``lifecycle.yaml`` from the bundle's root, or its content. See
        :class:`~airflow_mlops.core.lifecycle.spec.Lifecycle`.
    :raises BadInput: when the file cannot be read, or a key or a value is invalid; Airflow shows it as an import error.
    """
    family = ModelDags.from_spec(Lifecycle.load(spec), None if isinstance(spec, (Mapping, Lifecycle)) else str(spec))
    dags = [features_dag(family)]
    if family.spec.training is not None:
        dags.append(training_dag(family, family.spec.training))
    if family.spec.scoring is not None:
        dags.append(scoring_dag(family, family.spec.scoring))
    if family.spec.monitoring is not None:
        dags.append(monitoring_dag(family, family.spec.monitoring))
    return dags
