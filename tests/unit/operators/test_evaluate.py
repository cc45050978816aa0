"""The evaluation: rendered parameters reach it, and a report is published whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.core.data.snapshot import SnapshotRoot
from airflow_mlops.core.errors import NotFound
from airflow_mlops.core.evaluation.asked import Asked
from airflow_mlops.core.refs import ModelVersionRef
from airflow_mlops.core.registry import comparison
from airflow_mlops.core.report import Check, Report
from airflow_mlops.operators.evaluate import EvaluateModelOperator

Execute = Callable[..., Any]
VERSION = ModelVersionRef("m", 2, "d" * 64, "run").to_dict()


@pytest.fixture
def evaluating(root: SnapshotRoot) -> Callable[..., EvaluateModelOperator]:
    """An operator on rows that are there, with an MLflow that is not."""
    rows = root.write("rows", pd.DataFrame({"id": [1], "x": [0.5], "y": [1]}))

    def make(**how: Any) -> EvaluateModelOperator:
        given = {"challenger": VERSION, "test": rows.to_dict(), "target": "y", "key": "id", "features": ["x"]}
        task = EvaluateModelOperator(task_id="evaluate", **{**given, **how})
        connection = SimpleNamespace(extra_dejson={})
        client = SimpleNamespace(tracking_uri="sqlite:///none.db")
        task.__dict__["mlflow_hook"] = SimpleNamespace(
            client=client, connection=connection, mlflow_conn_id="mlflow_default"
        )
        return task

    return make


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the comparison was asked; it finds that all is well."""
    asked: dict[str, Any] = {}

    def compare(*stores: Any, **how: Any) -> Report:
        asked.update(how)
        return Report.of("evaluation", str(how["challenger"]), [Check("roc_auc", "pass", "info")])

    monkeypatch.setattr(comparison, "compare", compare)
    return asked


def test_everything_is_asked_for_unless_it_is_told_not_to(execute: Execute, evaluating: Any, compared: Any) -> None:
    ended = execute(evaluating())
    assert ended.given == ended.report.ref().to_dict()
    assert compared["asked"] == Asked([], [], 0.5, True, True, 5000)
    assert compared["rows"].key == ["id"]
    assert (compared["rows"].cluster, compared["rows"].split_columns) == ("id", ["id"])


@pytest.mark.parametrize(
    ("given", "cluster", "columns"),
    [("x", "x", ["x"]), (["x", "y"], "x", ["x", "y"]), ("{{ 'x' }}", "x", ["x"]), ("", "id", ["id"])],
)
def test_the_first_column_of_the_split_says_what_belongs_together(
    execute: Execute, evaluating: Any, compared: Any, given: Any, cluster: str, columns: list[str]
) -> None:
    assert execute(evaluating(split_key=given, key=["id", "y"])).error is None
    assert (compared["rows"].cluster, compared["rows"].split_columns) == (cluster, columns)


def test_parameters_are_rendered_and_read(execute: Execute, evaluating: Any, compared: Any) -> None:
    task = evaluating(
        slices=["{{ column }}"],
        groups="{{ column }}",
        threshold="{{ 0.3 }}",
        importance="{{ False }}",
        cost="{{ False }}",
        train_sample="{{ 70 }}",
        metric="{{ 'br' + 'ier' }}",
    )
    assert execute(task, column="region").error is None
    assert compared["asked"] == Asked(["region"], ["region"], 0.3, False, False, 70)
    assert compared["metric"] == "brier"


def test_what_cannot_be_judged_is_published_and_does_not_retry(
    execute: Execute, evaluating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*stores: Any, **how: Any) -> Report:
        raise NotFound("the champion m v1 cannot be loaded: a model's artifact is gone", where="file:///models/1")

    monkeypatch.setattr(comparison, "compare", gone)
    ended = execute(evaluating())
    assert isinstance(ended.error, AirflowFailException)
    assert "the champion m v1 cannot be loaded" in str(ended.error)
    assert (ended.report.kind, ended.report.verdict) == ("evaluation", "fail")
    assert "the champion m v1 cannot be loaded" in ended.report.checks[0].message
    assert ended.given is None


def test_whatever_breaks_is_published_before_it_is_raised(
    execute: Execute, evaluating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*stores: Any, **how: Any) -> Report:
        raise ZeroDivisionError("a metric of ours")

    monkeypatch.setattr(comparison, "compare", broken)
    ended = execute(evaluating())
    assert isinstance(ended.error, ZeroDivisionError)  # and not what forbids a retry: it may be the network
    assert (ended.report.verdict, ended.given) == ("fail", None)
    assert "the evaluation broke off: ZeroDivisionError: a metric of ours" in ended.report.checks[0].message


def test_a_failed_report_is_given_to_the_gate_which_decides(
    execute: Execute, evaluating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Report.of("evaluation", "m v2", [Check("scores finite", "fail")])
    monkeypatch.setattr(comparison, "compare", lambda *stores, **how: bad)
    ended = execute(evaluating())
    assert ended.error is None
    assert ended.given["verdict"] == "fail"


def test_a_threshold_that_cannot_be_read_fails_at_once(execute: Execute, evaluating: Any, compared: Any) -> None:
    ended = execute(evaluating(threshold="high"))
    assert isinstance(ended.error, AirflowFailException)
    assert "threshold='high' cannot be read" in str(ended.error)
    assert compared == {}
