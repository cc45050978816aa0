"""Manual rollback to an earlier champion."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetAlias, Param

from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.operators.rollback import RollbackModelOperator

DOC = """
### Roll back to an earlier champion

Trigger it with the model's name and a reason. Without a version it restores the previous champion. A second rollback
goes back further, never to the version that was rolled back.

* One entry is added to the ledger, then MLflow's alias `champion` is updated. No model is trained.
* Scoring switches with its next batch; a running batch finishes with its version.
* Drift checks use the baseline of the restored version from then on.
* A version that was never champion is rejected, unless it has passed its gate.

The same without Airflow's UI: `airflow mlops rollback MODEL --to VERSION --reason TEXT`.
Past decisions: `airflow mlops history MODEL`.
"""

with DAG(
    dag_id="model_rollback",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "on-call-team", "retries": 2, "retry_delay": timedelta(seconds=5)},
    tags=["registry"],
    doc_md=DOC,
    params={
        "model": Param(description="The registered model's name.", type="string", minLength=1, title="Model"),
        "to_version": Param(
            None,
            "Version to restore. Empty: the previous champion.",
            type=["null", "integer"],
            minimum=1,
            title="Version",
        ),
        "reason": Param(
            description="Why the champion is rolled back; recorded in the ledger.",
            type="string",
            minLength=1,
            title="Reason",
        ),
        "effective_at": Param(
            None,
            "Start of the new champion period in data time: an ISO date or date-time. Empty: now.",
            type=["null", "string"],
            title="Effective from",
        ),
    },
):
    RollbackModelOperator(
        task_id="rollback",
        model="{{ params.model }}",
        to_version="{{ params.to_version or '' }}",
        reason="{{ params.reason }}",
        approver="{{ dag_run.triggering_user_name or '' }}",
        effective_at="{{ params.effective_at or '' }}",
        # Emits an event of the asset <model>_champion, which triggers the model's own DAGs.
        outlets=[AssetAlias("champions")],
        on_success_callback=LifecycleNotifier(),
        on_failure_callback=LifecycleNotifier(),
    )
