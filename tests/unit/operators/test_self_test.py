"""Self-tests as a step: the model is loaded by its digest, the report is published before the task fails."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression

from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.model_tests import BUILT_IN, Case, ModelScorer, at_least
from airflow_mlops.core.models import artifact
from airflow_mlops.core.registry import gate_version
from airflow_mlops.operators.self_test import SelfTestModelOperator
from airflow_mlops.store import versions
from airflow_mlops.store.database import Database
from airflow_mlops.store.tables import Version

Execute = Callable[..., Any]


@dataclasses.dataclass
class Shop:
    """A registered model and its rows."""

    version: dict[str, Any]
    folder: Path
    rows: dict[str, dict[str, Any]]

    def testing(self, **how: Any) -> SelfTestModelOperator:
        result: dict[str, Any] = {
            "task_id": "self_test",
            "version": self.version,
            "rows": self.rows["validation"],
            "target": "y",
            "features": ["x", "z"],
        }
        task = SelfTestModelOperator(**result | how)
        connection = SimpleNamespace(extra_dejson={})
        client = SimpleNamespace(tracking_uri="sqlite:///none.db")
        task.__dict__["mlflow_hook"] = SimpleNamespace(
            client=client, connection=connection, mlflow_conn_id="mlflow_default"
        )
        return task


@pytest.fixture
def shop(database: Database, root: SnapshotRoot, people: Any, tmp_path: Path) -> Callable[..., Shop]:
    def make(model: Any = None) -> Shop:
        frames = {part: people(400, seed) for seed, part in enumerate(("train", "validation", "test"))}
        rows = {part: root.write(part, frame).to_dict() for part, frame in frames.items()}
        fitted = (model or LogisticRegression()).fit(frames["train"][["x", "z"]], frames["train"]["y"])
        folder = tmp_path / "model"
        digest = artifact.write(fitted, folder, frames["train"][["x", "z"]].head())
        version = Version(
            model="m",
            version=2,
            digest=digest,
            run_id="run",
            artifact_uri=str(folder),
            cutoff=None,
            candidate="linear",
            data=rows,
            baseline={},
            contract=None,
            gate_report=None,
            gate_decision=None,
            actor="a",
            recorded_at=datetime.now(UTC),
        )
        versions.add(database, version)
        return Shop(ModelVersionRef("m", 2, digest, "run").to_dict(), folder, rows)

    return make


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    def make(**names: Any) -> str:
        module = ModuleType("shop_self_tests")
        vars(module).update(names)
        for value in names.values():
            if callable(value):
                value.__module__ = module.__name__
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return module.__name__

    return make


def test_a_healthy_model_passes_and_the_gate_can_read_the_report(execute: Execute, shop: Any) -> None:
    made = shop()
    ended = execute(made.testing())
    assert ended.error is None
    assert ended.result == ended.report.ref().to_dict()
    assert (ended.report.kind, ended.report.subject, ended.report.verdict) == ("self_test", "m v2", "pass")
    assert ended.report.facts["digest"] == made.version["digest"]
    simple = {"overfits a hundred rows": "inconclusive"}  # two columns cannot tell a hundred rows apart
    assert gate_version.model_test_statuses(ended.report) == dict.fromkeys(BUILT_IN, "pass") | simple


def test_a_failed_test_fails_the_task_after_its_report_is_published(execute: Execute, shop: Any) -> None:
    ended = execute(shop(DummyClassifier()).testing())
    assert isinstance(ended.error, AirflowFailException)
    assert "not constant" in str(ended.error)
    assert ended.report.id in str(ended.error)
    assert gate_version.model_test_statuses(ended.report)["not constant"] == "fail"


def test_told_to_warn_the_gate_decides(execute: Execute, shop: Any) -> None:
    ended = execute(shop(DummyClassifier()).testing(when_failed="warn"))
    assert (ended.error, ended.result["verdict"]) == (None, "fail")


def test_what_the_team_wrote_is_run_and_parameters_are_rendered(execute: Execute, shop: Any, written: Any) -> None:
    def test_x_counts(model: ModelScorer) -> None:
        assert model.score({"x": 3.0}) > 0.9, "x counts for nothing"

    name = written(CASES=[Case(inputs={"x": -3.0}, expect=at_least(0.9), reason="a slip")], test_x_counts=test_x_counts)
    task = shop().testing(
        self_tests="{{ name }}",
        metric="{{ 'br' + 'ier' }}",
        build="sklearn.linear_model:{{ kind }}",
        model_params={"C": 10.0},
        when_failed="warn",
    )
    ended = execute(task, name=name, kind="LogisticRegression")
    tests = ended.report.facts["tests"]
    assert (tests["case 1: a slip"], tests["test_x_counts"]) == ("fail", "pass")
    assert ended.report.facts["metric"] == "brier"


def test_a_build_may_be_a_function(execute: Execute, shop: Any) -> None:
    ended = execute(shop().testing(build=lambda: DummyClassifier(), when_failed="warn"))
    assert [check.name for check in ended.report.failed] == ["overfits a hundred rows"]


def test_a_model_whose_files_have_changed_is_not_read_and_the_report_says_so(execute: Execute, shop: Any) -> None:
    made = shop()
    (made.folder / "model.skops").write_bytes(b"something else")
    ended = execute(made.testing(when_failed="warn"))
    assert isinstance(ended.error, AirflowFailException)
    assert (ended.report.verdict, ended.report.facts["tests"]) == ("fail", {"loaded": "fail"})
    assert "do not match the registered digest" in ended.report.failed[0].message


def test_the_gate_rows_are_refused(execute: Execute, shop: Any) -> None:
    made = shop()
    ended = execute(made.testing(rows=made.rows["test"]))
    assert "rows are the gate rows of the version" in str(ended.error)
    assert ended.report.verdict == "fail"


def test_a_module_that_is_not_there_fails_at_once_and_is_said(execute: Execute, shop: Any) -> None:
    ended = execute(shop().testing(self_tests="include.nobody.self_tests"))
    assert isinstance(ended.error, AirflowFailException)
    assert "the model tests cannot be imported" in ended.report.failed[0].message
