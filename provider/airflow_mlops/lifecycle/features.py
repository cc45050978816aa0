"""The DAG that reads features and labels, partition by partition."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param
from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.core.lifecycle.steps import Source
from airflow_mlops.lifecycle.shared import PARTITION, Family
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from airflow_mlops.task_groups.base import output

DOC = """
### Features and labels of {model}

A partition's key is its cut-off: what is known at it is what happened before.

1. **ingest_labels**: the labels that have matured by now, of the partition `{delay}` ago.
2. **ingest_features**: one row a `{key}`, as known at the cut-off.
3. **validate_features**: the rows against `{contract}`. Only a partition that keeps its contract is handed on.

Each becomes an immutable snapshot. **Backfill** any range, or run one partition again: the same rows give the same
snapshot, and late data gives a new one.
"""


def features_dag(family: Family) -> DAG:
    """Make ``<model>_features``."""
    spec = family.spec
    doc = DOC.format(model=spec.model, key=spec.key, delay=spec.labels.delay, contract=spec.contract_file)
    timetable = CronPartitionTimetable(spec.schedule, timezone=spec.timezone, key_format=spec.key_format)
    with DAG(schedule=timetable, **family.dag("features", doc, params=_params(family), **family.days())) as dag:
        labels = IngestDatasetOperator(
            task_id="ingest_labels",
            dataset=spec.dataset("labels"),
            partition=family.labelled,
            pre_execute=partial(skip_before, family.first_labelled),
            **_source(spec.labels, spec.features, family.labelled),
        )
        features = IngestDatasetOperator(
            task_id="ingest_features",
            dataset=spec.dataset("features"),
            partition=PARTITION,
            trigger_rule="none_failed",
            **_source(spec.features, spec.features, PARTITION),
        )
        validate = ValidateDatasetOperator(
            task_id="validate_features",
            snapshot=output(features),
            contract=spec.contract_file,
            environment=spec.environment,
            outlets=[family.features],
        )
        labels >> features >> validate
    return dag


def skip_before(first: str, context: Any) -> None:
    """Skip labels of partitions from before the first features.

    :param first: the key of the first run with labels to read.
    """
    if context["partition_key"] < first:
        raise AirflowSkipException("the partition that these labels belong to is before the first features")


def _params(family: Family) -> dict[str, Param]:
    """Give the form: the connection, where there is one to choose."""
    conn_id = family.spec.features.conn_id
    if conn_id is None:
        return {}
    told = "The connection of the source, such as a replica."
    return {"conn_id": Param(conn_id, told, type="string", title="Source")}


def _source(source: Source, features: Source, partition: str) -> dict[str, Any]:
    """Give the operator's keywords for a source.

    :param features: that of the features, whose connection the form asks for.
    :param partition: the template of the partition that is read.
    """
    given = {name: getattr(source, name) for name in ("sql", "conn_id", "binds", "path", "rows", "transform")}
    if source.sql is not None and source.binds is None:
        given["binds"] = {"cutoff": partition}
    if source.conn_id is not None and source.conn_id == features.conn_id:
        given["conn_id"] = "{{ params.conn_id }}"
    return {name: value for name, value in given.items() if value is not None}
