"""Is the champion still right? Drift each week, performance when labels come, and the episode that follows."""

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
### Watching the champion

1. **drift**: this week's customers against the profile of the rows that the champion was trained on.
2. **predictions**: this week's scores against those that the champion gave when it was evaluated.
3. **estimate**: what this week's scores are probably worth, before any label has come. An estimate, which tells people
   and decides nothing.
4. **performance**: the predictions of two weeks ago against the labels that have come since, compared with what the
   gate saw. Weeks whose labels came later than that are judged again.
5. **concept**: do the same scores and inputs still mean the same labels? Tells a changed world from changed customers
   and from a broken source.
6. **episode**: drift opens an episode. Once there are enough labelled rows from after the change, it asks for **one**
   retraining; `churn_training` is woken up by that request. A column that is broken upstream alarms, and asks for none.

Drift is news, not an error, so the tasks stay green; the verdict is in the log and in the lifecycle store.
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
        of="scores",
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
        catch_up=True,
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
        catch_up=True,
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
