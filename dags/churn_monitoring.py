"""Weekly monitoring of the champion: drift, performance on matured labels, and drift episodes."""

from __future__ import annotations

from airflow.sdk import DAG, PartitionedAssetTimetable

from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.operators.concept import CheckConceptDriftOperator
from airflow_mlops.operators.drift import CheckDriftOperator
from airflow_mlops.operators.episode import UpdateEpisodeOperator
from airflow_mlops.operators.performance import CheckPerformanceOperator
from include.churn import assets, features
from include.churn.bundle import CHAMPION_AT, DEFAULT_ARGS, MODEL, POLICY

DOC = """
### Monitoring the champion

1. **drift**: this week's customers against the profile of the champion's training rows.
2. **predictions**: this week's scores against the champion's scores at evaluation.
3. **estimate**: the estimated performance of this week's scores, before any label has arrived. For information only.
4. **performance**: the predictions of two weeks ago against their labels, compared with the gate's evaluation. Weeks
   whose labels arrived later are re-evaluated.
5. **concept**: has the relation between inputs and labels changed? Separates concept drift from a changed population
   and from a broken source.
6. **episode**: drift opens an episode. Once there are enough labelled rows after the change, it requests **one**
   retraining, which triggers `churn_training`. A column that is broken upstream only raises an alarm.

Drift does not fail a task; the verdict is in the log and in the lifecycle store.
"""

with DAG(
    dag_id="churn_monitoring",
    schedule=PartitionedAssetTimetable(assets=assets.scores),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["churn", "monitoring"],
    doc_md=DOC,
    params={"champion_at": CHAMPION_AT},
):
    drift = CheckDriftOperator(
        task_id="drift",
        model=MODEL,
        snapshot="churn_features@{{ partition_key }}",
        champion_at="{{ params.champion_at or partition_key }}",
        policy=POLICY,
        on_success_callback=LifecycleNotifier(),
    )
    predictions = CheckDriftOperator(
        task_id="predictions",
        model=MODEL,
        snapshot="churn_scores@{{ partition_key }}",
        data_kind="scores",
        champion_at="{{ params.champion_at or partition_key }}",
        policy=POLICY,
    )
    estimate = CheckPerformanceOperator(
        task_id="estimate",
        model=MODEL,
        scores="churn_scores@{{ partition_key }}",
        estimate=True,
        policy=POLICY,
    )
    performance = CheckPerformanceOperator(
        task_id="performance",
        model=MODEL,
        scores="churn_scores@{{ macros.ds_add(partition_key, -14) }}",
        labels="churn_labels@{{ macros.ds_add(partition_key, -14) }}",
        key=features.KEY,
        target=features.TARGET,
        policy=POLICY,
        reevaluate_stale=True,
    )
    concept = CheckConceptDriftOperator(
        task_id="concept",
        model=MODEL,
        scores="churn_scores@{{ macros.ds_add(partition_key, -14) }}",
        labels="churn_labels@{{ macros.ds_add(partition_key, -14) }}",
        rows="churn_features@{{ macros.ds_add(partition_key, -14) }}",
        key=features.KEY,
        target=features.TARGET,
        policy=POLICY,
        reevaluate_stale=True,
    )
    episode = UpdateEpisodeOperator(
        task_id="episode",
        model=MODEL,
        partition="{{ partition_key }}",
        labels="churn_labels",
        labelled_until="{{ macros.ds_add(partition_key, -14) }}",
        policy=POLICY,
        trigger_rule="none_failed",
    )
    [drift, predictions, estimate, performance, concept] >> episode
