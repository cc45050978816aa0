"""Judging data without any model: two years of bike rentals, month by month against the first quarter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, task

from airflow_mlops.links.report import ReportLink
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.ingest import IngestDatasetOperator
from airflow_mlops.operators.profile import ProfileDatasetOperator
from airflow_mlops.operators.validate import ValidateDatasetOperator
from include.bike_sharing.calendar import DATASET, LATER, MONTHS, REFERENCE, address

DOC = """
### Is it still the same data?

No model is needed to ask. This DAG reads the hours of a bike rental's two years and judges them month by month.

1. **find** the file: the `csv` of the form, else the environment variable `BIKE_SHARING_CSV`, else
   `bike_sharing_hour.csv` in the folder that `MLOPS_TEST_DATA` names.
2. **ingest** each month as a partition of its own, a mapped task each.
3. **validate** each by `include/bike_sharing/contract.yaml`: ranges, a key, and rules over several columns, such as
   that casual and registered riders add up.
4. **cells**, **profile**, **reference**: the first quarter, profiled month by month and merged. A profile is small and
   stands for its rows from here on.
5. **drift**: each later month against the first quarter, by `include/bike_sharing/policy.yaml`. Drift is news, not an
   error, so the tasks stay green.
6. **story**: one page with all months, and the last one closely. Press **Report** on that task.

What the page tells: temperature comes and goes with the season, and so do casual riders; registered riders grow. The
first quarter a year later, winter again, tells one from the other.
"""

CONTRACT = "include/bike_sharing/contract.yaml"
POLICY = "include/bike_sharing/policy.yaml"

with DAG(
    dag_id="bike_sharing",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "bike-sharing-team", "retries": 2, "retry_delay": timedelta(seconds=10)},
    tags=["bike-sharing", "data", "tutorial"],
    doc_md=DOC,
    params={
        "csv": Param(
            None,
            "A path or an fsspec URI that the worker can read. Empty: BIKE_SHARING_CSV, or bike_sharing_hour.csv in "
            "the folder MLOPS_TEST_DATA.",
            type=["null", "string"],
            title="Hourly rentals (CSV)",
        ),
    },
):

    @task
    def find(params: dict[str, Any] | None = None) -> str:
        """Say where the file is."""
        from include.bike_sharing import source

        assert params is not None  # Airflow gives them
        return source.find(params["csv"])

    @task
    def story(judged: Sequence[Mapping[str, Any]], reference: Mapping[str, Any], **context: Any) -> dict[str, Any]:
        """Collect the verdicts into one report, and publish it."""
        from airflow_mlops.hooks.store import LifecycleStoreHook
        from airflow_mlops.keys import task_key
        from airflow_mlops.store import reports
        from include.bike_sharing.story import collect

        store = LifecycleStoreHook()
        report = collect(store.database, store.snapshots, judged, reference, POLICY)
        reports.publish(store.database, report, actor=task_key(context))
        return report.ref().to_dict()

    ingest = IngestDatasetOperator.partial(
        task_id="ingest",
        dataset=DATASET,
        path=find(),
        transform="include.bike_sharing.source:of_month",
        map_index_template="{{ task.partition }}",
    ).expand(partition=MONTHS)
    validate = ValidateDatasetOperator.partial(
        task_id="validate", contract=CONTRACT, map_index_template="{{ task.snapshot['partition'] }}"
    ).expand(snapshot=ingest.output)
    cells = ProfileDatasetOperator(task_id="cells", snapshot=address(REFERENCE[0]), contract=CONTRACT)
    profile = ProfileDatasetOperator.partial(
        task_id="profile", like=cells.output, map_index_template="{{ task.snapshot }}"
    ).expand(snapshot=[address(month) for month in REFERENCE])
    reference = ProfileDatasetOperator(task_id="reference", merge=profile.output)
    drift = CheckDriftOperator.partial(
        task_id="drift", reference=reference.output, policy=POLICY, map_index_template="{{ task.snapshot }}"
    ).expand(snapshot=[address(month) for month in LATER])
    told = story(drift.output, reference.output)
    told.operator.operator_extra_links = (ReportLink(),)  # as the provider's own operators have it

    validate >> cells
