"""The steps of a watch are wired as the example DAG is, and each can be left out."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import DAG

from airflow_mlops.common.errors import BadInput
from airflow_mlops.notifications.lifecycle import LifecycleNotifier
from airflow_mlops.task_groups import monitoring_task_group, monitoring_tasks
from include.churn import features
from include.churn.bundle import POLICY
from tests.differential.dags import describe_dag, load_bundle_dag

ALL = ("drift", "predictions", "estimate", "performance", "concept", "episode")
LEAST: dict[str, Any] = {"model": "m", "features": "m_features"}
LABELLED: dict[str, Any] = {**LEAST, "labels": "m_labels", "key": "id", "target": "y"}


def test_the_steps_of_churn_are_those_of_its_hand_written_dag() -> None:
    with DAG("churn_monitoring", schedule=None) as dag:
        monitoring_tasks(
            model="churn",
            features="churn_features",
            labels="churn_labels",
            key=features.KEY,
            target=features.TARGET,
            labelled_partition="{{ macros.ds_add(partition_key, -14) }}",
            policy=POLICY,
            champion_at="{{ params.champion_at or partition_key }}",
            drift={"on_success_callback": LifecycleNotifier()},
        )
    wired, written = describe_dag(dag), describe_dag(load_bundle_dag("churn_monitoring"))
    for task_id in ALL:
        assert wired[task_id] == written[task_id], task_id
    assert set(wired) == set(written)


@pytest.mark.parametrize("left_out", ALL)
def test_a_step_that_is_left_out_is_gone_and_gives_nothing(left_out: str, dag: DAG) -> None:
    group = monitoring_task_group("watch", **LABELLED, **{left_out: None})
    assert set(dag.task_ids) == {f"watch.{name}" for name in ALL if name != left_out}
    assert getattr(group, left_out) is None
    if left_out != "episode":
        rest = {f"watch.{name}" for name in ALL if name not in (left_out, "episode")}
        assert dag.get_task("watch.episode").upstream_task_ids == rest


def test_without_labels_the_inputs_and_the_scores_are_watched(dag: DAG) -> None:
    monitoring_tasks(**LEAST)
    assert set(dag.task_ids) == {"drift", "predictions", "estimate"}
    assert dag.get_task("predictions").snapshot == "m_scores@{{ partition_key }}"


def test_labels_without_a_key_are_refused_in_words(dag: DAG) -> None:
    with pytest.raises(BadInput, match="labels requires key and target"):
        monitoring_tasks(**LEAST, labels="m_labels")
