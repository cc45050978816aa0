"""The step that writes a model card: what it keeps, what it gives, and that each try gives the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.reports.documents import load_document, render_document_markdown
from airflow_mlops.links.model_card import ModelCardLink
from airflow_mlops.operators.model_card import ModelCardOperator
from airflow_mlops.store import reports, versions
from airflow_mlops.store.clock import now
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

DIGEST = "d" * 64


@pytest.fixture
def version(mlflow_client: Any, database: Database) -> dict[str, Any]:
    """A version without evidence, registered in store and MLflow."""
    run = mlflow_client.create_run(mlflow_client.get_experiment_by_name("e").experiment_id).info
    mlflow_client.create_registered_model("m")
    mlflow_client.create_model_version("m", f"{run.artifact_uri}/model", run_id=run.run_id)
    row = Version(
        model="m", version=1, digest=DIGEST, run_id=run.run_id, artifact_uri=f"{run.artifact_uri}/model", cutoff=None,
        candidate="c", data={}, baseline={}, contract=None, actor="test", recorded_at=now(),
    )  # fmt: skip
    versions.add(database, row)
    return ModelVersionRef("m", 1, DIGEST, run.run_id).to_dict()


@pytest.fixture
def step(execute: Any, mlflow_client: Any) -> Any:
    """Execute a step that writes a card."""

    def run(**how: Any) -> Any:
        task = ModelCardOperator(task_id="card", **how)
        task.__dict__["mlflow_hook"] = SimpleNamespace(client=mlflow_client)
        return execute(task)

    return run


def published(database: Database, kind: str, **facts: Any) -> dict[str, Any]:
    report = Report.from_checks(kind, "m v1", [Check("reload", "pass")], facts={"digest": DIGEST, **facts})
    reports.publish(database, report, actor="test")
    return report.ref().to_dict()


def test_it_keeps_the_card_gives_its_reference_and_writes_the_artifacts(
    step: Any, version: dict[str, Any], database: Database, mlflow_client: Any
) -> None:
    ended = step(version=version, self_tests=published(database, "self_test"), text="Not for children.")
    assert ended.error is None
    assert ended.result == ended.pushed["report"] == ended.report.ref().to_dict()
    assert ended.result["report_kind"] == "model_card"
    text = render_document_markdown(load_document(ended.report))
    assert "Not for children." in text
    assert "| reload | passed |" in text
    names = [file.path for file in mlflow_client.list_artifacts(version["run_id"])]
    assert sorted(names) == ["model_card.html", "model_card.md"]


def test_each_try_keeps_one_card_and_other_files_have_another(
    step: Any, version: dict[str, Any], database: Database
) -> None:
    first, second = step(version=version), step(version=version)
    assert first.result == second.result
    assert len(second.published) == 1
    row = versions.get(database, "m", 1)
    row.digest = "e" * 64
    versions.add(database, row)
    assert step(version={**version, "digest": "e" * 64}).result["id"] != first.result["id"]


def test_a_report_of_another_version_fails_at_once_and_nothing_is_kept(
    step: Any, version: dict[str, Any], database: Database, mlflow_client: Any
) -> None:
    other = published(database, "self_test", digest="f" * 64)
    ended = step(version=version, self_tests=other)
    assert isinstance(ended.error, AirflowFailException)
    assert "not the self_test of m v1" in str(ended.error)
    assert ended.published == []
    assert mlflow_client.list_artifacts(version["run_id"]) == []


def test_it_joins_promotion_and_rejection_unless_told_otherwise() -> None:
    with DAG("d"):
        assert ModelCardOperator(task_id="a", version={}).trigger_rule == "none_failed_min_one_success"
        assert ModelCardOperator(task_id="b", version={}, trigger_rule="all_done").trigger_rule == "all_done"


def test_its_link_leads_to_the_card_and_not_to_a_report() -> None:
    links = ModelCardOperator(task_id="a", version={}).operator_extra_links
    assert [type(link) for link in links] == [ModelCardLink]
