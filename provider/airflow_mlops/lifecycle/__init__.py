"""A model's DAGs from one file. Imported while DAG files are parsed."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

from airflow.sdk import DAG

from airflow_mlops.core.lifecycle.spec import Lifecycle
from airflow_mlops.lifecycle.features import features_dag
from airflow_mlops.lifecycle.monitoring import monitoring_dag
from airflow_mlops.lifecycle.scoring import scoring_dag
from airflow_mlops.lifecycle.shared import Family
from airflow_mlops.lifecycle.training import training_dag

__all__ = ["lifecycle_dags"]


def lifecycle_dags(spec: str | PathLike[str] | Mapping[str, Any] | Lifecycle) -> list[DAG]:
    """Make a model's DAGs, in a file below ``dags/``; Airflow finds them without their being given a name::

        lifecycle_dags("include/churn/lifecycle.yaml")

    They are ``<model>_features``, ``<model>_training``, ``<model>_scoring`` and ``<model>_monitoring``, without those
    that the file sets to ``null``.

    :param spec: the path of a ``lifecycle.yaml`` from the bundle's root, or its content. See
        :class:`~airflow_mlops.core.lifecycle.spec.Lifecycle`.
    :raises BadInput: when the file cannot be read, or a key or a value is wrong: Airflow shows it as an import error.
    """
    family = Family.of(Lifecycle.load(spec), None if isinstance(spec, (Mapping, Lifecycle)) else str(spec))
    made = [features_dag(family)]
    if family.spec.training is not None:
        made.append(training_dag(family, family.spec.training))
    if family.spec.scoring is not None:
        made.append(scoring_dag(family, family.spec.scoring))
    if family.spec.monitoring is not None:
        made.append(monitoring_dag(family, family.spec.monitoring))
    return made
