"""DAGs of a lifecycle file equal the hand-written ones of churn, and follow its options."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, AssetOrTimeSchedule, CronDataIntervalTimetable, PartitionedAssetTimetable
from airflow.sdk.exceptions import AirflowSkipException

from airflow_mlops.common.errors import BadInput
from airflow_mlops.dag_factory import lifecycle_dags
from airflow_mlops.dag_factory.model_dags import ModelDags
from tests.differential.dags import REPO, describe_dag, load_bundle_dag

FAMILY = ["churn_features", "churn_training", "churn_scoring", "churn_monitoring"]
MINIMAL: dict[str, Any] = {
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


def dags_of(**changes: Any) -> dict[str, DAG]:
    return {dag.dag_id: dag for dag in lifecycle_dags({**MINIMAL, **changes})}


@pytest.mark.parametrize("dag_id", FAMILY)
def test_the_file_of_churn_equals_its_hand_written_dags(dag_id: str, churn: dict[str, DAG]) -> None:
    from_file, by_hand = churn[dag_id], load_bundle_dag(dag_id)
    wired, written = describe_dag(from_file), describe_dag(by_hand)
    if dag_id == "churn_training":
        # The contract also has the target, and the lifecycle sets the default seed of the split explicitly.
        assert (wired["leakage"]["fields"].pop("target"), wired["split"]["fields"].pop("seed")) == ("'churned'", "0")
        written["leakage"]["fields"].pop("target"), written["split"]["fields"].pop("seed")
    assert wired == written
    for same in ("start_date", "end_date", "catchup", "max_active_runs", "default_args"):
        assert getattr(from_file, same) == getattr(by_hand, same), same
    assert type(from_file.timetable) is type(by_hand.timetable)
    assert set(from_file.params) == set(by_hand.params)


def test_each_dag_has_documentation_and_its_source_file(churn: dict[str, DAG]) -> None:
    assert list(churn) == FAMILY
    for dag in churn.values():
        assert "`include/churn/lifecycle.yaml`" in dag.doc_md
        assert dag.doc_md.startswith("### ")
        assert "churn" in dag.tags


def test_the_dags_of_a_file_are_registered_without_an_assignment(tmp_path: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    (tmp_path / "spec.yaml").write_text((REPO / "include/churn/lifecycle.yaml").read_text())
    file = tmp_path / "family.py"
    spec = str(tmp_path / "spec.yaml")
    file.write_text(f"from airflow_mlops.dag_factory import lifecycle_dags\n\nlifecycle_dags({spec!r})\n")
    bag = DagBag(dag_folder=str(file), bundle_name="b")
    assert bag.import_errors == {}
    assert sorted(bag.dags) == sorted(FAMILY)
    assert {dag.fileloc for dag in bag.dags.values()} == {str(file)}


def test_an_invalid_key_is_an_import_error_with_a_suggestion(tmp_path: Path) -> None:
    from airflow.dag_processing.dagbag import DagBag

    text = (REPO / "include/churn/lifecycle.yaml").read_text().replace("self_tests:", "selftests:")
    (tmp_path / "spec.yaml").write_text(text)
    file = tmp_path / "family.py"
    file.write_text(f"from airflow_mlops.dag_factory import lifecycle_dags\n\nlifecycle_dags('{tmp_path}/spec.yaml')\n")
    (error,) = DagBag(dag_folder=str(file), bundle_name="b").import_errors.values()
    assert "training.selftests: is not a known key; did you mean 'self_tests'?" in error
    assert "spec.yaml" in error


@pytest.mark.parametrize(
    ("changes", "dag_ids"),
    [
        ({"training": None}, {"m_features", "m_scoring", "m_monitoring"}),
        ({"monitoring": None}, {"m_features", "m_training", "m_scoring"}),
        ({"monitoring": None, "scoring": None}, {"m_features", "m_training"}),
    ],
)
def test_a_null_section_has_no_dag(changes: dict[str, Any], dag_ids: set[str]) -> None:
    assert set(dags_of(**changes)) == dag_ids


def test_without_scoring_the_features_trigger_the_monitoring() -> None:
    watch = {"predictions": False, "estimate": False, "performance": False, "concept": False}
    dag = dags_of(scoring=None, monitoring=watch)["m_monitoring"]
    assert dag.timetable.asset_condition.name == "m_features"
    assert set(dag.task_ids) == {"drift", "episode"}


@pytest.mark.parametrize(
    ("training", "timetable"),
    [
        ({}, AssetOrTimeSchedule),
        ({"on_drift": False}, CronDataIntervalTimetable),
    ],
)
def test_training_has_the_requested_triggers(training: dict[str, Any], timetable: type) -> None:
    dag = dags_of(training={"candidates": "include.m.model:one", **training})["m_training"]
    assert type(dag.timetable) is timetable


def test_manual_training_has_no_schedule() -> None:
    dag = dags_of(training={"candidates": "include.m.model:one", "on_drift": False, "schedule": None})["m_training"]
    assert dag.schedule is None
    assert "**manually**. Candidates" in dag.doc_md


def test_training_by_drift_alone_waits_for_the_asset() -> None:
    dag = dags_of(training={"candidates": "include.m.model:one", "schedule": None})["m_training"]
    (asset,) = dag.schedule
    assert asset.name == "m_retraining_requested"
    assert asset.watchers[0].trigger.models == ["m"]


def test_candidates_with_parameters_get_them_and_a_name() -> None:
    two = ["include.m.model:one", {"build": "include.m.model:one", "name": "deep", "params": {"depth": 9}}]
    dag = dags_of(training={"candidates": two})["m_training"]
    assert dag.get_task("train").expand_input.value.operator is dag.get_task("candidates")
    assert dag.get_task("candidates").candidates == [
        {"build": "include.m.model:one", "candidate": "one", "model_params": {}},
        {"build": "include.m.model:one", "candidate": "deep", "model_params": {"depth": 9}},
    ]


def test_a_tuned_training_searches_what_the_plan_says_and_trains_the_rest() -> None:
    dag = dags_of(training={"candidates": "include.m.model:one", "tune": {"space": {"depth": [2, 4]}, "trials": 2}})
    training = dag["m_training"]
    searched = [{"space": {"depth": [2, 4]}, "build": "include.m.model:one"}]
    assert training.get_task("searches").candidates == training.get_task("candidates").candidates == searched
    assert training.get_task("tune").partial_kwargs["trials"] == 2


def test_a_retraining_starts_from_what_the_model_s_policy_says() -> None:
    plan = dags_of()["m_training"].get_task("plan")
    assert plan.policy == "include/m/policy.yaml"


def test_scoring_follows_features_and_monitoring_follows_scores() -> None:
    dags = dags_of()
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
def test_the_labelled_partition_is_earlier_by_the_label_delay(changes: dict[str, str], key: str, labelled: str) -> None:
    from airflow.sdk.execution_time import macros
    from jinja2 import Template

    labels = {**MINIMAL["labels"], "delay": changes["delay"]}
    rest = {name: value for name, value in changes.items() if name != "delay"}
    ingest = dags_of(labels=labels, **rest)["m_features"].get_task("ingest_labels")
    assert Template(ingest.partition).render(partition_key=key, macros=macros) == labelled


def test_labels_of_partitions_before_the_first_are_skipped() -> None:
    skip = dags_of()["m_features"].get_task("ingest_labels")._pre_execute_hook
    with pytest.raises(AirflowSkipException):
        skip({"partition_key": "2026-01-12"})
    skip({"partition_key": "2026-01-19"})


def test_the_form_s_connection_is_the_one_that_is_read() -> None:
    sql = {"sql": "SELECT 1", "conn_id": "shop"}
    dag = dags_of(features=sql, labels={**sql, "conn_id": "ledger", "delay": "7d"})["m_features"]
    assert dag.params["conn_id"] == "shop"
    assert dag.get_task("ingest_features").conn_id == "{{ params.conn_id }}"
    assert dag.get_task("ingest_labels").conn_id == "ledger"
    assert dag.get_task("ingest_features").binds == {"cutoff": "{{ partition_key }}"}


def test_the_webhook_of_the_file_is_notified() -> None:
    dags = dags_of(webhook_conn_id="chat")
    for dag_id, task_id in {"m_training": "gate", "m_monitoring": "drift"}.items():
        (notifier,) = dags[dag_id].get_task(task_id).on_success_callback
        assert notifier.webhook_conn_id == "chat"


def test_a_mapping_has_no_source_file() -> None:
    assert ModelDags.from_spec(SimpleNamespace(model="m", dataset=lambda of: f"m_{of}"), None).file is None  # type: ignore[arg-type]
    assert "Created by" not in dags_of()["m_features"].doc_md


def test_a_missing_file_is_rejected() -> None:
    with pytest.raises(BadInput, match=r"there is no file include/nobody/lifecycle\.yaml"):
        lifecycle_dags("include/nobody/lifecycle.yaml")


def test_the_source_of_another_package_is_read_with_its_options() -> None:
    labels = {"source": "acme.sources:Labels", "transform": "include.m.source:clean", "delay": "14d"}
    dag = dags_of(features={"source": {"kind": "acme", "table": "leads"}}, labels=labels)["m_features"]
    assert dag.get_task("ingest_features").source == {"kind": "acme", "table": "leads"}
    assert dag.get_task("ingest_labels").source == "acme.sources:Labels"
    assert dag.get_task("ingest_labels").transform == "include.m.source:clean"


def test_the_notifier_of_the_file_is_notified_in_place_of_the_webhook() -> None:
    notify = {"kind": "airflow_mlops.notifications.log:LogNotifier", "message": "look"}
    dags = dags_of(notify=notify)
    for dag_id, task_id in {"m_training": "gate", "m_monitoring": "drift"}.items():
        (notifier,) = dags[dag_id].get_task(task_id).on_success_callback
        assert (type(notifier).__name__, notifier.message) == ("LogNotifier", "look")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"notify": "nobody"}, "'nobody' is not a known notifier"),
        ({"notify": "log", "webhook_conn_id": "chat"}, "webhook_conn_id and notify are both set"),
    ],
)
def test_a_notifier_that_cannot_be_made_is_rejected(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        dags_of(**changes)
