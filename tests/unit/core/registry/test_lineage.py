"""A version's story: its data, code, parameters, gate, and who made it champion why."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_mlops.common.errors import BadInput, NotFound
from airflow_mlops.core.registry import lineage as module
from airflow_mlops.core.registry.lineage import build_lineage, lineage_rows, parse_version
from airflow_mlops.core.registry.rollback import rollback
from airflow_mlops.store import versions


@pytest.fixture
def told(world: Any) -> Any:
    """Version 1 was trained by a DAG run, approved by anna, and came back after version 2."""
    world.v1 = world.registered("a", run=world.trained("a"))
    world.v2 = world.registered("b", "2026-04-13", run=world.written("b"))
    gate = world.gated(world.v1, "hold")
    versions.bind_gate(world.database, "m", 1, report_id=gate, decision="hold")
    world.client.set_tag(world.v1.run_id, "mlops.code_version", "git:abc")
    world.client.set_tag(world.v1.run_id, "mlops.dag_run", "training/monday")
    world.promoted(world.v1, "training/monday/promote/-1", gate, approver="anna")
    world.promoted(world.v2, "p2")
    rollback(world.client, world.database, model="m", reason="complaints", actor="cli/ben")
    return world


def test_it_tells_data_code_parameters_gate_approver_and_runs(told: Any) -> None:
    story = build_lineage(told.database, "m", 1, client=told.client, root=told.root)
    assert story == json.loads(json.dumps(story))
    assert story["data"]["train"]["id"] == told.data["train"].id
    assert story["data"]["train"]["source"] == {}
    assert story["version"]["digest"] == told.v1.digest
    assert story["code"]["version"] == "git:abc"
    assert story["run"]["dag_run"] == "training/monday"
    assert story["run"]["registered_by"] == "a/register"
    assert story["parameters"]["target"] == "y"
    assert story["parameters"]["train_snapshot"] == told.data["train"].id
    assert 0 < story["metrics"]["validation_roc_auc"] <= 1
    assert (story["gate"]["decision"], story["gate"]["against"]) == ("hold", None)
    periods = [(e["revision"], e["action"], e["approver"], e["actor"], e["reason"]) for e in story["champion_periods"]]
    assert periods == [
        (3, "rollback", None, "cli/ben", "complaints"),
        (1, "promote", "anna", "training/monday/promote/-1", "r"),
    ]


def test_the_table_has_a_row_for_each_fact(told: Any) -> None:
    rows = {
        (r["what"], r["which"]): r["value"]
        for r in lineage_rows(build_lineage(told.database, "m", 1, client=told.client))
    }
    assert rows[("code", "version")] == "git:abc"
    assert "approved by anna" in rows[("champion_periods", "revision 1")]
    assert "complaints" in rows[("champion_periods", "revision 3")]
    assert told.data["train"].id in rows[("data", "train")]
    assert all(isinstance(value, str) and value for value in rows.values())


def test_what_mlflow_or_the_snapshot_root_has_lost_is_said_and_the_rest_is_told(told: Any) -> None:
    (told.root.fs.rm(f"{told.root.path}/train", recursive=True),)
    told.client.delete_run(told.v1.run_id)
    told.client.get_run = _gone
    try:
        story = build_lineage(told.database, "m", 1, client=told.client, root=told.root)
    finally:
        del told.client.get_run
    assert "MLflow did not return the run" in story["run"]["unknown"]
    assert story["data"]["train"]["source"].startswith("unknown")
    assert len(story["champion_periods"]) == 2
    assert "code" not in build_lineage(told.database, "m", 1)


def _gone(run_id: str) -> Any:
    from mlflow.exceptions import MlflowException

    raise MlflowException(f"Run '{run_id}' not found")


@pytest.mark.parametrize("text", ["m/2", "models:/m/2", "m v2", " m/2 "])
def test_a_version_is_named_in_any_usual_way(told: Any, text: str) -> None:
    assert parse_version(told.database, text) == ("m", 2)


def test_a_model_alone_means_its_champion(told: Any) -> None:
    assert parse_version(told.database, "m") == ("m", 1)
    with pytest.raises(NotFound, match="'other' has no champion"):
        parse_version(told.database, "other")


@pytest.mark.parametrize("text", ["m/latest", "/3x", ""])
def test_what_names_no_version_is_told(told: Any, text: str) -> None:
    with pytest.raises(BadInput, match="is not a valid version"):
        parse_version(told.database, text)


def test_a_version_that_is_not_there_is_told(told: Any) -> None:
    with pytest.raises(NotFound, match="m v9"):
        module.build_lineage(told.database, "m", 9)
