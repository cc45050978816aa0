"""Put an earlier champion back, by a form."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, AssetAlias, Param

from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.operators.rollback import RollbackModelOperator

DOC = """
### Back to a champion that was good

Trigger it with the model's name and a reason. Without a version it goes back to the champion before this one; doing so
again goes back further, never to what was rolled back.

* One entry is added to the ledger, then MLflow's alias `champion` follows. Nothing is trained, no file is rewritten.
* Scoring switches with its next batch; a batch that is being scored is finished by the version that it began with.
* The drift checks compare with the old version's own baseline from then on.
* A version that was never champion is refused, unless it has passed its gate.

The same without Airflow's UI: `airflow mlops rollback MODEL --to VERSION --reason TEXT`.
What has been decided so far: `airflow mlops history MODEL`.
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
            "Back to this version. Empty: the champion before.",
            type=["null", "integer"],
            minimum=1,
            title="Version",
        ),
        "reason": Param(
            description="What is wrong with the champion; it stays in the ledger.",
            type="string",
            minLength=1,
            title="Reason",
        ),
        "effective_at": Param(
            None,
            "From when on, on the data's clock: an ISO date or date-time. Empty: now.",
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
        # The event is of the asset <model>_champion, for which the model's own DAGs wait.
        outlets=[AssetAlias("champions")],
        on_success_callback=LifecycleNotifier(),
        on_failure_callback=LifecycleNotifier(),
    )
