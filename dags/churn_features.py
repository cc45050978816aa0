"""Weekly features of the subscription business, and the labels that have matured."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param
from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from include.churn import assets, calendar
from include.churn.bundle import DEFAULT_ARGS

DOC = """
### Features and labels, week by week

A partition is a week, and its key is the week's end: partition `2026-04-06` has the events before that Monday.

1. **ingest_labels**: who cancelled within 14 days? A label matures after two weeks, so this task ingests the labels of
   the week two partitions ago.
2. **ingest_features**: one row for each customer who is active at the cut-off, from SQL.
3. **validate_features**: the rows against `include/churn/contract.yaml`. Only a week that
   passes is scored.

Each becomes an immutable snapshot. **Backfill** any range of weeks from the UI, or rerun one week by its partition
key. The same rows give the same snapshot, and late data gives a new one.
"""


def only_weeks_with_features(context: Any) -> None:
    """Skip labels of weeks before the first features."""
    if context["partition_key"] < calendar.key(calendar.FIRST_WEEK + calendar.LABEL_HORIZON):
        raise AirflowSkipException("Skipping labels: their week is before the first features")


with DAG(
    dag_id="churn_features",
    schedule=CronPartitionTimetable("0 0 * * 1", timezone="UTC", key_format="%Y-%m-%d"),
    start_date=datetime.combine(calendar.FIRST_WEEK, time(), UTC),
    end_date=datetime.combine(calendar.LAST_WEEK, time(), UTC),  # the simulated business ends here
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["churn", "data"],
    doc_md=DOC,
    params={
        "conn_id": Param(
            "churn_db", "Connection of the source database, such as a replica.", type="string", title="Source"
        )
    },
):
    ingest_labels = IngestDatasetOperator(
        task_id="ingest_labels",
        dataset="churn_labels",
        partition="{{ macros.ds_add(partition_key, -14) }}",
        conn_id="{{ params.conn_id }}",
        sql="include/churn/sql/labels.sql",
        binds="include.churn.features:label_binds",
        pre_execute=only_weeks_with_features,
    )
    ingest_features = IngestDatasetOperator(
        task_id="ingest_features",
        dataset="churn_features",
        partition="{{ partition_key }}",
        conn_id="{{ params.conn_id }}",
        sql="include/churn/sql/features.sql",
        binds="include.churn.features:query_binds",
        transform="include.churn.features:with_tenure",
        trigger_rule="none_failed",
    )
    validate_features = ValidateDatasetOperator(
        task_id="validate_features",
        snapshot=ingest_features.output,
        contract="include/churn/contract.yaml",
        environment="serving",
        outlets=[assets.features],
    )
    ingest_labels >> ingest_features >> validate_features
