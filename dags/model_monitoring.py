"""Drift checks of all models that have a champion, in one DAG."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.list_models import ListModelsOperator

DOC = """
### Drift of all models

1. **models**: lists the models that have a champion, with the newest features and scores of each.
2. **drift**: a mapped task for each of them, against the baseline of the champion.

A new model is monitored from its first champion on; nothing has to be added here. Datasets are matched by name:
`churn_features` and `churn_scores` for `churn`. Models without such datasets are listed in the log of **models**.

Drift does not fail a task; see the reports. Episodes and retraining belong to the model's own monitoring DAG, which has
its labels.
"""

with DAG(
    dag_id="model_monitoring",
    schedule=None,  # manual, so that the demo is not disturbed; use "@daily" in production
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
        map_index_template="{{ task.model }}: {{ task.data_kind }}",
        max_active_tis_per_dag=4,
        on_success_callback=LifecycleNotifier(),
    ).expand_kwargs(models.output)
