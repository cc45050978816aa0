"""The steps of scoring are wired as the example DAG is."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_mlops.task_groups import scoring_task_group, scoring_tasks
from include.churn import assets, features
from include.churn.bundle import CONTRACT
from tests.differential.dags import describe_dag, load_bundle_dag


def test_the_steps_of_churn_are_those_of_its_hand_written_dag() -> None:
    with DAG("churn_scoring", schedule=None) as dag:
        scoring_tasks(
            model="churn",
            rows="churn_features@{{ partition_key }}",
            key=features.KEY,
            contract=CONTRACT,
            champion_at="{{ params.champion_at or partition_key }}",
            outlets=[assets.scores],
        )
    assert describe_dag(dag) == describe_dag(load_bundle_dag("churn_scoring"))


def test_rows_are_validated_first_where_that_is_asked_for(dag: DAG) -> None:
    scoring = scoring_task_group(
        "daily", model="m", rows="r@1", key="id", contract="c.yaml", environment="serving", validate={"retries": 4}
    )
    assert dag.get_task("daily.score").upstream_task_ids == {"daily.validate"}
    assert (dag.get_task("daily.validate").environment, dag.get_task("daily.validate").retries) == ("serving", 4)
    assert scoring.validation.operator.task_id == "daily.validate"
    assert scoring.scores.operator.task_id == "daily.score"


def test_without_validation_scoring_is_one_step(dag: DAG) -> None:
    assert scoring_tasks(model="m", rows="r@1", key=["a", "b"]).validation is None
    assert dag.task_ids == ["score"]
    assert dag.get_task("score").key == ["a", "b"]
