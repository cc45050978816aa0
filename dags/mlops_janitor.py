"""Clean up, once a week."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param

from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.operators.janitor import JanitorOperator

DOC = """
### What killed tasks have left, and files that nobody needs

Every Sunday night it does what there is to do. From the form it is a dry run, unless you say otherwise: its report
tells what it would do.

* MLflow's aliases are set as the ledger says.
* Runs that nobody will end are closed; versions that nobody will finish are removed.
* Temporary files of snapshots are removed.
* The files of old versions are removed: never those of the last champions, of a version with an alias, or of one that
  was registered or judged lately. What is known of them stays, in the store and in MLflow.

Whatever began within the last two days may be at work and is not touched.
"""

with DAG(
    dag_id="mlops_janitor",
    schedule="0 3 * * 0",
    start_date=datetime(2026, 1, 4),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-team", "retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["maintenance"],
    doc_md=DOC,
    params={
        "dry_run": Param(True, "Only tell what there is to do. Scheduled runs do it.", type="boolean", title="Dry run"),
        "older_than_hours": Param(
            48, "What began within so many hours is not touched.", type="number", minimum=1, title="Older than (hours)"
        ),
        "keep_champions": Param(
            5, "The files of so many of the last champions stay.", type="integer", minimum=2, title="Champions to keep"
        ),
        "keep_days": Param(
            90, "All files of versions of so many days stay.", type="number", minimum=1, title="Days to keep"
        ),
    },
):
    JanitorOperator(
        task_id="clean",
        for_real="{{ not params.dry_run or dag_run.run_type == 'scheduled' }}",
        older_than_hours="{{ params.older_than_hours }}",
        keep_champions="{{ params.keep_champions }}",
        keep_days="{{ params.keep_days }}",
        on_failure_callback=LifecycleNotifier(),
    )
