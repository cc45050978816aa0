"""DAG ``<model>_features``: ingest of features and labels for each partition."""

from __future__ import annotations

from functools import partial
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param
from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.core.lifecycle.sections import SourceSpec
from airflow_mlops.dag_factory.model_dags import PARTITION, ModelDags
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from airflow_mlops.task_groups.base import output_of

DOC = """
### Features and labels of {model}

A partition's key is its cut-off: features use only earlier data.

1. **ingest_labels**: the labels that are complete by now, of the partition `{delay}` earlier.
2. **ingest_features**: one row per `{key}`, as of the cut-off.
3. **validate_features**: checks the rows against `{contract}`. Downstream DAGs run only for valid partitions.

Features and labels are stored as immutable snapshots. You can **backfill** any range or rerun a partition: the same
rows give the same snapshot, and late data gives a new one.
"""


def features_dag(family: ModelDags) -> DAG:
    """Create ``<model>_features``."""
    spec = family.spec
    doc = DOC.format(model=spec.model, key=spec.key, delay=spec.labels.delay, contract=spec.contract_file)
    timetable = CronPartitionTimetable(spec.schedule, timezone=spec.timezone, key_format=spec.key_format)
    with DAG(
        schedule=timetable, **family.dag_arguments("features", doc, params=_params(family), **family.date_range())
    ) as dag:
        labels = IngestDatasetOperator(
            task_id="ingest_labels",
            dataset=spec.dataset("labels"),
            partition=family.labelled_partition,
            pre_execute=partial(skip_before, family.first_labelled_run),
            **_source_arguments(spec.labels, spec.features, family.labelled_partition),
        )
        features = IngestDatasetOperator(
            task_id="ingest_features",
            dataset=spec.dataset("features"),
            partition=PARTITION,
            trigger_rule="none_failed",
            **_source_arguments(spec.features, spec.features, PARTITION),
        )
        validate = ValidateDatasetOperator(
            task_id="validate_features",
            snapshot=output_of(features),
            contract=spec.contract_file,
            environment=spec.environment,
            outlets=[family.features],
        )
        labels >> features >> validate
    return dag


def skip_before(first: str, context: Any) -> None:
    """Skip the label ingest while its partition is before the first features.

    :param first: the key of the first run with labels.
    """
    if context["partition_key"] < first:
        raise AirflowSkipException("the partition of these labels is before the first features")


def _params(family: ModelDags) -> dict[str, Param]:
    """Return the trigger form: the source connection, if the features have one."""
    conn_id = family.spec.features.conn_id
    if conn_id is None:
        return {}
    description = "The connection of the source, such as a replica."
    return {"conn_id": Param(conn_id, description, type="string", title="Source")}


def _source_arguments(source: SourceSpec, features: SourceSpec, partition: str) -> dict[str, Any]:
    """Return the ingest operator's arguments for a source.

    :param features: the source of the features, whose connection is in the form.
    :param partition: the template of the partition to read.
    """
    arguments = source.arguments
    if source.sql is not None and source.binds is None:
        arguments["binds"] = {"cutoff": partition}
    if source.conn_id is not None and source.conn_id == features.conn_id:
        arguments["conn_id"] = "{{ params.conn_id }}"
    return arguments
