"""All models that have a champion, watched by one DAG."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.fleet import ListModelsOperator

DOC = """
### The whole fleet at a glance

1. **models**: asks the lifecycle store which models have a champion, and for the newest features and scores of each.
2. **drift**: a mapped task for each of them, against the baseline that travels with the champion.

A new model is watched from its first champion on: nothing is added here. Datasets are found by name, `churn_features`
and `churn_scores` for `churn`; a model whose data is called otherwise is named in the log of **models**.

Drift is news, not an error: the tasks stay green, their reports tell. Episodes, which ask for a retraining, are for the
model's own monitoring: they need its labels.
"""

with DAG(
    dag_id="fleet_monitoring",
    schedule=None,  # by hand here, so that the demo's story is its own; "@daily" in earnest
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-team", "retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["monitoring", "fleet"],
    doc_md=DOC,
    params={
        "until": Param(
            None,
            "Only partitions up to this one, such as 2026-04-06. Empty: the newest of each.",
            type=["null", "string"],
            title="Up to",
        ),
    },
):
    models = ListModelsOperator(task_id="models", until="{{ params.until or '' }}")
    CheckDriftOperator.partial(
        task_id="drift",
        map_index_template="{{ task.model }}: {{ task.of }}",
        max_active_tis_per_dag=4,
        on_success_callback=LifecycleNotifier(),
    ).expand_kwargs(models.output)
