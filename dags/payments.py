"""A data set in many partitions, looked at side by side on as many workers as there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, Param, get_current_context, task

from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.profile import ProfileDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator

if TYPE_CHECKING:
    import pandas as pd

DOC = """
### Card payments, one partition a day

No task reads the whole data set, so it may be bigger than a worker's memory, and each worker that is added takes its
share: the DAG is the same on a laptop and on ten machines.

1. **days**: which partitions there are. The payments are simulated; nobody has made them.
2. **ingest**: a mapped task for each day makes its rows an immutable snapshot.
3. **validate**: each day is held against `include/payments/contract.yaml`; a broken one fails alone, and
   what follows waits until it is mended and cleared.
4. **cells**: the first day's profile says over which cells all of them are counted, so that they can be merged.
5. **profile**: each day, over those cells.
6. **merge**: the profile of all days, exactly as if all rows had been profiled in one scan. What is
   added up are some ten kB a column and day; no row is read again.
7. **drift**: the last day against all of them.

A partition that is run again gives the same snapshot, so clearing one mapped task repeats no other.
"""

CONTRACT = "include/payments/contract.yaml"


def payments(partition: str) -> Iterator[pd.DataFrame]:
    """Give a day's rows, as many as the run's form says."""
    from include.payments.rows import of_day

    return of_day(partition, get_current_context()["params"]["rows"])


with DAG(
    dag_id="payments",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "payments-team", "retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["payments", "partitions"],
    doc_md=DOC,
    params={
        "partitions": Param(8, "How many days.", type="integer", minimum=2, maximum=1_000, title="Partitions"),
        "rows": Param(20_000, "Payments a day.", type="integer", minimum=1_000, maximum=50_000_000, title="Rows"),
    },
):

    @task
    def days(params: dict[str, Any] | None = None) -> list[str]:
        """Give the partitions."""
        from include.payments.rows import days

        assert params is not None
        return days(params["partitions"])

    @task
    def first_and_last(snapshots: list[dict[str, Any]]) -> dict[str, Any]:
        """Give the snapshots of the first and the last day."""
        return {"first": snapshots[0], "last": snapshots[-1]}

    ingest = IngestDatasetOperator.partial(
        task_id="ingest", dataset="payments", rows=payments, map_index_template="{{ task.partition }}"
    ).expand(partition=days())
    validate = ValidateDatasetOperator.partial(
        task_id="validate", contract=CONTRACT, map_index_template="{{ task.snapshot['partition'] }}"
    ).expand(snapshot=ingest.output)
    ends = first_and_last(ingest.output)
    cells = ProfileDatasetOperator(task_id="cells", snapshot=ends["first"], contract=CONTRACT)
    profile = ProfileDatasetOperator.partial(
        task_id="profile", like=cells.output, map_index_template="{{ task.snapshot['partition'] }}"
    ).expand(snapshot=ingest.output)
    merge = ProfileDatasetOperator(task_id="merge", merge=profile.output)
    drift = CheckDriftOperator(task_id="drift", snapshot=ends["last"], reference=merge.output, contract=CONTRACT)
    validate >> cells
