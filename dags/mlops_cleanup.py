"""Weekly cleanup of the registry, the store and the snapshot files."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Param

from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.operators.cleanup import CleanUpOperator

DOC = """
### Clean up after killed tasks, and delete unused files

Runs every Sunday night. A manual run is a dry run by default: its report lists what it would do.

* MLflow's aliases are reconciled with the ledger.
* Abandoned runs are ended, and unfinished versions are deleted.
* Temporary files of snapshots are deleted.
* The files of old versions are deleted, except for recent champions, versions with an alias, and versions that were
  registered or evaluated recently. Their metadata stays in the store and in MLflow.

Runs and files of the last two days may be in use and are skipped.
"""

with DAG(
    dag_id="mlops_cleanup",
    schedule="0 3 * * 0",
    start_date=datetime(2026, 1, 4),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "platform-team", "retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["maintenance"],
    doc_md=DOC,
    params={
        "dry_run": Param(
            True, "Only report what would be done. Scheduled runs apply it.", type="boolean", title="Dry run"
        ),
        "older_than_hours": Param(
            48, "Skip runs and files that are newer than this.", type="number", minimum=1, title="Older than (hours)"
        ),
        "keep_champions": Param(
            5, "Number of recent champions whose files are kept.", type="integer", minimum=2, title="Champions to keep"
        ),
        "keep_days": Param(
            90, "Keep the files of versions newer than this.", type="number", minimum=1, title="Days to keep"
        ),
    },
):
    CleanUpOperator(
        task_id="clean",
        apply="{{ not params.dry_run or dag_run.run_type == 'scheduled' }}",
        older_than_hours="{{ params.older_than_hours }}",
        keep_champions="{{ params.keep_champions }}",
        keep_days="{{ params.keep_days }}",
        on_failure_callback=LifecycleNotifier(),
    )
