"""A large dataset in many partitions, validated and profiled in parallel."""

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

No task reads the full dataset, so it may be larger than a worker's memory. The DAG scales with the number of workers
and is the same on a laptop and on ten machines.

1. **days**: lists the partitions. The payments are simulated.
2. **ingest**: a mapped task for each day writes its rows as an immutable snapshot.
3. **validate**: each day is checked against `include/payments/contract.yaml`. An invalid day fails on its own, and
   downstream tasks wait until it is fixed and cleared.
4. **cells**: the first day's profile defines the histogram cells for all days, so that profiles can be merged.
5. **profile**: each day, with those cells.
6. **merge**: the profile of all days, identical to a profile of all rows in one scan. It merges about
   10 kB per column and day; no row is read again.
7. **drift**: the last day against all days.

A rerun of a partition gives the same snapshot, so clearing one mapped task does not invalidate the others.
"""

CONTRACT = "include/payments/contract.yaml"


def payments(partition: str) -> Iterator[pd.DataFrame]:
    """Return a day's rows, as many as the form requests."""
    from include.payments.rows import generate_day

    return generate_day(partition, get_current_context()["params"]["rows"])


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
        """List the partitions."""
        from include.payments.rows import list_days

        assert params is not None
        return list_days(params["partitions"])

    @task
    def first_and_last(snapshots: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the snapshots of the first and the last day."""
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
