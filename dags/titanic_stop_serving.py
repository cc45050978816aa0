"""The end of what the task *serve* of the DAG `titanic` left running."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_mlops.operators.serve import StopServingOperator

with DAG(
    dag_id="titanic_stop_serving",
    schedule=None,
    catchup=False,
    default_args={"owner": "titanic-team"},
    tags=["titanic", "tutorial"],
    doc_md="### The passengers' model is served no more\n\nRemoves what the task *serve* of `titanic` left running.",
):
    StopServingOperator(task_id="stop", endpoint="titanic", when_absent="skip")
