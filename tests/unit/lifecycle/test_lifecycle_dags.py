"""One file gives the family of DAGs that was written by hand for churn, and any other that it asks for."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, AssetOrTimeSchedule, CronDataIntervalTimetable, PartitionedAssetTimetable
from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.core.errors import BadInput
from airflow_mlops.lifecycle import lifecycle_dags
from airflow_mlops.lifecycle.shared import Family
from tests.comparing.dags import REPO, described, of_bundle

FAMILY = ["churn_features", "churn_training", "churn_scoring", "churn_monitoring"]
LEAST: dict[str, Any] = {
    "model": "m",
    "key": "id",
    "target": "y",
    "start": "2026-01-05",
    "features": {"rows": "include.m.source:features"},
    "labels": {"rows": "include.m.source:labels", "delay": "14d"},
    "training": {"candidates": "include.m.model:one"},
}


@pytest.fixture(scope="module")
def churn() -> dict[str, DAG]:
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(REPO)
        return {dag.dag_id: dag for dag in lifecycle_dags("include/churn/lifecycle.yaml")}


def made(**changes: Any) -> dict[str, DAG]:
    return {dag.dag_id: dag for dag in lifecycle_dags({**LEAST, **changes})}


@pytest.mark.parametrize("dag_id", FAMILY)
def test_the_file_of_churn_says_what_its_hand_written_dags_say(dag_id: str, churn: dict[str, DAG]) -> None:
    from_file, by_hand = churn[dag_id], of_bundle(dag_id)
    wired, written = described(from_file), described(by_hand)
    if dag_id == "churn_training":
        # The contract says which column is the target, too; and the default seed of a split is written out.
        assert (wired["leakage"]["fields"].pop("target"), wired["split"]["fields"].pop("seed")) == ("'churned'", "0")
        written["leakage"]["fields"].pop("target"), written["split"]["fields"].pop("seed")
    assert wired == written
    for same in ("start_date", "end_date", "catchup", "max_active_runs", "default_args"):
        assert getattr(from_file, same) == getattr(by_hand, same), same
    assert type(from_file.timetable) is type(by_hand.timetable)
    assert set(from_file.params) == set(by_hand.params)


def test_each_of_them_tells_its_story_and_where_it_is_made(churn: dict[str, DAG]) -> None:
    assert list(churn) == FAMILY
    for dag in churn.values():
        assert "`include/churn/lifecycle.yaml`" in dag.doc_md
        assert dag.doc_md.startswith("### ")
        assert "churn" in dag.tags


def test_the_dags_of_a_file_are_found_without_a_name(tmp_path: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    (tmp_path / "spec.yaml").write_text((REPO / "include/churn/lifecycle.yaml").read_text())
    file = tmp_path / "family.py"
    spec = str(tmp_path / "spec.yaml")
    file.write_text(f"from airflow_mlops.lifecycle import lifecycle_dags\n\nlifecycle_dags({spec!r})\n")
    bag = DagBag(dag_folder=str(file), bundle_name="b")
    assert bag.import_errors == {}
    assert sorted(bag.dags) == sorted(FAMILY)
    assert {dag.fileloc for dag in bag.dags.values()} == {str(file)}


def test_a_mistake_is_an_import_error_with_file_key_and_near_name(tmp_path: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    text = (REPO / "include/churn/lifecycle.yaml").read_text().replace("self_tests:", "selftests:")
    (tmp_path / "spec.yaml").write_text(text)
    file = tmp_path / "family.py"
    file.write_text(f"from airflow_mlops.lifecycle import lifecycle_dags\n\nlifecycle_dags('{tmp_path}/spec.yaml')\n")
    (said,) = DagBag(dag_folder=str(file), bundle_name="b").import_errors.values()
    assert "training.selftests: is not a known key; did you mean 'self_tests'?" in said
    assert "spec.yaml" in said


@pytest.mark.parametrize(
    ("changes", "there"),
    [
        ({"training": None}, {"m_features", "m_scoring", "m_monitoring"}),
        ({"monitoring": None}, {"m_features", "m_training", "m_scoring"}),
        ({"monitoring": None, "scoring": None}, {"m_features", "m_training"}),
    ],
)
def test_what_is_null_is_left_out(changes: dict[str, Any], there: set[str]) -> None:
    assert set(made(**changes)) == there


def test_without_scoring_the_features_start_the_watch() -> None:
    watch = {"predictions": False, "estimate": False, "performance": False, "concept": False}
    dag = made(scoring=None, monitoring=watch)["m_monitoring"]
    assert dag.timetable.asset_condition.name == "m_features"
    assert set(dag.task_ids) == {"drift", "episode"}


@pytest.mark.parametrize(
    ("training", "timetable"),
    [
        ({}, AssetOrTimeSchedule),
        ({"on_drift": False}, CronDataIntervalTimetable),
    ],
)
def test_training_has_the_doors_that_are_asked_for(training: dict[str, Any], timetable: type) -> None:
    dag = made(training={"candidates": "include.m.model:one", **training})["m_training"]
    assert type(dag.timetable) is timetable


def test_training_by_hand_alone_has_no_schedule() -> None:
    dag = made(training={"candidates": "include.m.model:one", "on_drift": False, "schedule": None})["m_training"]
    assert dag.schedule is None
    assert "by **hand**. Candidates" in dag.doc_md


def test_training_by_drift_alone_waits_for_the_asset() -> None:
    dag = made(training={"candidates": "include.m.model:one", "schedule": None})["m_training"]
    (asset,) = dag.schedule
    assert asset.name == "m_retraining_wanted"
    assert asset.watchers[0].trigger.models == ["m"]


def test_candidates_with_parameters_get_them_and_a_name() -> None:
    two = ["include.m.model:one", {"build": "include.m.model:one", "name": "deep", "params": {"depth": 9}}]
    dag = made(training={"candidates": two})["m_training"]
    assert dag.get_task("train").expand_input.value.operator is dag.get_task("candidates")
    assert dag.get_task("candidates").candidates == [
        {"build": "include.m.model:one", "candidate": "one", "model_params": {}},
        {"build": "include.m.model:one", "candidate": "deep", "model_params": {"depth": 9}},
    ]


def test_a_tuned_training_searches_what_the_plan_says_and_trains_the_rest() -> None:
    dag = made(training={"candidates": "include.m.model:one", "tune": {"space": {"depth": [2, 4]}, "trials": 2}})
    training = dag["m_training"]
    searched = [{"space": {"depth": [2, 4]}, "build": "include.m.model:one"}]
    assert training.get_task("searches").candidates == training.get_task("candidates").candidates == searched
    assert training.get_task("tune").partial_kwargs["trials"] == 2


def test_a_retraining_starts_from_what_the_model_s_policy_says() -> None:
    plan = made()["m_training"].get_task("plan")
    assert plan.policy == "include/m/policy.yaml"


def test_scoring_follows_features_and_monitoring_follows_scores() -> None:
    dags = made()
    for dag_id, asset in {"m_scoring": "m_features", "m_monitoring": "m_scores"}.items():
        assert type(dags[dag_id].timetable) is PartitionedAssetTimetable
        assert dags[dag_id].timetable.asset_condition.name == asset
    assert [outlet.name for outlet in dags["m_features"].get_task("validate_features").outlets] == ["m_features"]
    assert [outlet.name for outlet in dags["m_scoring"].get_task("score").outlets] == ["m_scores"]


@pytest.mark.parametrize(
    ("changes", "key", "labelled"),
    [
        ({"delay": "14d"}, "2026-02-02", "2026-01-19"),
        ({"delay": "1w"}, "2026-03-02", "2026-02-23"),
        ({"delay": "0d"}, "2026-02-02", "2026-02-02"),
        ({"delay": "6h", "key_format": "%Y-%m-%dT%H:%M"}, "2026-02-02T03:00", "2026-02-01T21:00"),
        ({"delay": "2d", "key_format": "%Y-%m-%dT%H:%M"}, "2026-02-02T03:00", "2026-01-31T03:00"),
    ],
)
def test_the_labelled_partition_is_as_long_ago_as_labels_take(changes: dict[str, str], key: str, labelled: str) -> None:
    from airflow.sdk.execution_time import macros
    from jinja2 import Template

    labels = {**LEAST["labels"], "delay": changes["delay"]}
    rest = {name: value for name, value in changes.items() if name != "delay"}
    ingest = made(labels=labels, **rest)["m_features"].get_task("ingest_labels")
    assert Template(ingest.partition).render(partition_key=key, macros=macros) == labelled


def test_labels_of_partitions_before_the_first_are_skipped() -> None:
    skip = made()["m_features"].get_task("ingest_labels")._pre_execute_hook
    with pytest.raises(AirflowSkipException):
        skip({"partition_key": "2026-01-12"})
    skip({"partition_key": "2026-01-19"})


def test_the_form_s_connection_is_the_one_that_is_read() -> None:
    sql = {"sql": "SELECT 1", "conn_id": "shop"}
    dag = made(features=sql, labels={**sql, "conn_id": "ledger", "delay": "7d"})["m_features"]
    assert dag.params["conn_id"] == "shop"
    assert dag.get_task("ingest_features").conn_id == "{{ params.conn_id }}"
    assert dag.get_task("ingest_labels").conn_id == "ledger"
    assert dag.get_task("ingest_features").binds == {"cutoff": "{{ partition_key }}"}


def test_the_webhook_of_the_file_is_told() -> None:
    dags = made(webhook_conn_id="chat")
    for dag_id, task_id in {"m_training": "gate", "m_monitoring": "drift"}.items():
        (told,) = dags[dag_id].get_task(task_id).on_success_callback
        assert told.webhook_conn_id == "chat"


def test_content_in_place_of_a_file_has_no_file_to_name() -> None:
    assert Family.of(SimpleNamespace(model="m", dataset=lambda of: f"m_{of}"), None).file is None  # type: ignore[arg-type]
    assert "Made by" not in made()["m_features"].doc_md


def test_no_spec_at_all_is_refused_in_words() -> None:
    with pytest.raises(BadInput, match=r"there is no file include/nobody/lifecycle\.yaml"):
        lifecycle_dags("include/nobody/lifecycle.yaml")
