"""Data drift without a model: two years of bike rentals, month by month against the first quarter."""

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
from include.bike_sharing.calendar import DATASET, LATER, MONTHS, REFERENCE, snapshot_address

DOC = """
### Has the data drifted?

This DAG needs no model. It reads two years of hourly bike rentals and checks each month for drift.

1. **find** the file: the `csv` of the form, else the environment variable `BIKE_SHARING_CSV`, else
   `bike_sharing_hour.csv` in the folder `MLOPS_TEST_DATA`.
2. **ingest** each month as a partition, in a mapped task each.
3. **validate** each against `include/bike_sharing/contract.yaml`: ranges, a key, and rules over several columns. One
   such rule is that casual and registered riders add up to the total.
4. **cells**, **profile**, **reference**: the first quarter, profiled month by month and merged. From here on the
   small profile replaces the rows.
5. **drift**: each later month against the first quarter, by `include/bike_sharing/policy.yaml`. Drift does not fail a
   task.
6. **summary**: one report with all months, and the last one in detail. Press **Report** on that task.

The report separates season from growth: temperature and casual riders follow the season, registered riders grow. The
first quarter of the next year shows the difference.
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
        """Return the path of the file."""
        from include.bike_sharing import source

        assert params is not None  # Airflow passes them
        return source.find_csv(params["csv"])

    @task
    def summary(
        monthly_reports: Sequence[Mapping[str, Any]], reference: Mapping[str, Any], **context: Any
    ) -> dict[str, Any]:
        """Combine the monthly verdicts into one report, and publish it."""
        from airflow_mlops.hooks.store import LifecycleStoreHook
        from airflow_mlops.store import reports
        from airflow_mlops.task_keys import task_key
        from include.bike_sharing.summary_report import collect_report

        store = LifecycleStoreHook()
        report = collect_report(store.database, store.snapshots, monthly_reports, reference, POLICY)
        reports.publish(store.database, report, actor=task_key(context))
        return report.ref().to_dict()

    ingest = IngestDatasetOperator.partial(
        task_id="ingest",
        dataset=DATASET,
        path=find(),
        transform="include.bike_sharing.source:filter_month",
        map_index_template="{{ task.partition }}",
    ).expand(partition=MONTHS)
    validate = ValidateDatasetOperator.partial(
        task_id="validate", contract=CONTRACT, map_index_template="{{ task.snapshot['partition'] }}"
    ).expand(snapshot=ingest.output)
    cells = ProfileDatasetOperator(task_id="cells", snapshot=snapshot_address(REFERENCE[0]), contract=CONTRACT)
    profile = ProfileDatasetOperator.partial(
        task_id="profile", like=cells.output, map_index_template="{{ task.snapshot }}"
    ).expand(snapshot=[snapshot_address(month) for month in REFERENCE])
    reference = ProfileDatasetOperator(task_id="reference", merge=profile.output)
    drift = CheckDriftOperator.partial(
        task_id="drift", reference=reference.output, policy=POLICY, map_index_template="{{ task.snapshot }}"
    ).expand(snapshot=[snapshot_address(month) for month in LATER])
    report = summary(drift.output, reference.output)
    report.operator.operator_extra_links = (ReportLink(),)  # as on the provider's operators

    validate >> cells
