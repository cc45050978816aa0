"""The end of what the task *serve* of the DAG `titanic` left running."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_mlops.operators.serve import StopServingOperator

DOC = """
### The passengers' model is served no more

Press **Trigger**: the containers behind an endpoint end, and its address is free again.

- Requests that are being answered are answered first.
- The models stay where they are, and so does who is champion: run `titanic` again, and it is served again.
- Where nothing is served, or no container engine answers, the task is skipped and says so.
"""

with DAG(
    dag_id="titanic_stop_serving",
    schedule=None,
    catchup=False,
    default_args={"owner": "titanic-team", "retries": 1, "retry_delay": timedelta(seconds=30)},
    params={"endpoint": Param("titanic", type="string", minLength=1, description="The endpoint's name")},
    tags=["titanic", "tutorial"],
    doc_md=DOC,
):
    StopServingOperator(task_id="stop", endpoint="{{ params.endpoint }}", when_absent="skip")
