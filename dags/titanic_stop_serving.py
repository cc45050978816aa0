"""Stop the endpoint that the task *serve* of the DAG `titanic` started."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_mlops.operators.serve import StopServingOperator

DOC = """
### Stop serving the titanic model

Press **Trigger** to stop the containers of an endpoint and free its port.

- Running requests are completed first.
- Models and champions are not changed: run `titanic` again to serve it again.
- The task is skipped when nothing is served or Docker is not available.
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
