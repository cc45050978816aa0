"""Weekly batch scoring with the champion of that week."""

from __future__ import annotations

from airflow.sdk import DAG, PartitionedAssetTimetable

from airflow_mlops.operators.score import ScoreDatasetOperator
from include.churn import assets, features
from include.churn.bundle import CHAMPION_AT, CONTRACT, DEFAULT_ARGS, MODEL

DOC = """
### Weekly scores

Runs when a week of features has passed its contract, with the same partition key. The champion is looked up in the
ledger **as of that week**: backfilling `churn_features` over a promotion scores each week with the model that was in
production then. Before the first champion the task is skipped.
"""

with DAG(
    dag_id="churn_scoring",
    schedule=PartitionedAssetTimetable(assets=assets.features),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    tags=["churn", "scoring"],
    doc_md=DOC,
    params={"champion_at": CHAMPION_AT},
):
    ScoreDatasetOperator(
        task_id="score",
        model=MODEL,
        snapshot="churn_features@{{ partition_key }}",
        champion_at="{{ params.champion_at or partition_key }}",
        key=[features.KEY],
        contract=CONTRACT,
        outlets=[assets.scores],
    )
