"""The evaluation: rendered parameters reach it, and a report is published whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.common.errors import NotFound
from airflow_mlops.common.refs import ModelVersionRef
from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.core.evaluation import comparison
from airflow_mlops.core.evaluation.options import EvaluationOptions
from airflow_mlops.operators.evaluate import EvaluateModelOperator

Execute = Callable[..., Any]
VERSION = ModelVersionRef("m", 2, "d" * 64, "run").to_dict()


@pytest.fixture
def evaluating(root: SnapshotRoot) -> Callable[..., EvaluateModelOperator]:
    """An operator on rows that are there, with an MLflow that is not."""
    rows = root.write("rows", pd.DataFrame({"id": [1], "x": [0.5], "y": [1]}))

    def make(**how: Any) -> EvaluateModelOperator:
        result = {"challenger": VERSION, "test": rows.to_dict(), "target": "y", "key": "id", "features": ["x"]}
        task = EvaluateModelOperator(task_id="evaluate", **{**result, **how})
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
    requested: dict[str, Any] = {}

    def compare(*stores: Any, **how: Any) -> Report:
        requested.update(how)
        return Report.from_checks("evaluation", str(how["challenger"]), [Check("roc_auc", "pass", "info")])

    monkeypatch.setattr(comparison, "compare_with_champion", compare)
    return requested


def test_everything_is_asked_for_unless_it_is_told_not_to(execute: Execute, evaluating: Any, compared: Any) -> None:
    ended = execute(evaluating())
    assert ended.result == ended.report.ref().to_dict()
    assert compared["options"] == EvaluationOptions((), (), 0.5, True, True, 5000)
    assert compared["rows"].key == ["id"]
    assert (compared["rows"].cluster, compared["rows"].split_columns) == ("id", ["id"])


@pytest.mark.parametrize(
    ("result", "cluster", "columns"),
    [("x", "x", ["x"]), (["x", "y"], "x", ["x", "y"]), ("{{ 'x' }}", "x", ["x"]), ("", "id", ["id"])],
)
def test_the_first_column_of_the_split_says_what_belongs_together(
    execute: Execute, evaluating: Any, compared: Any, result: Any, cluster: str, columns: list[str]
) -> None:
    assert execute(evaluating(split_key=result, key=["id", "y"])).error is None
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
    assert compared["options"] == EvaluationOptions(("region",), ("region",), 0.3, False, False, 70)
    assert compared["metric"] == "brier"


def test_what_cannot_be_judged_is_published_and_does_not_retry(
    execute: Execute, evaluating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*stores: Any, **how: Any) -> Report:
        raise NotFound("the champion m v1 cannot be loaded: a model's artifact is gone", where="file:///models/1")

    monkeypatch.setattr(comparison, "compare_with_champion", gone)
    ended = execute(evaluating())
    assert isinstance(ended.error, AirflowFailException)
    assert "the champion m v1 cannot be loaded" in str(ended.error)
    assert (ended.report.kind, ended.report.verdict) == ("evaluation", "fail")
    assert "the champion m v1 cannot be loaded" in ended.report.checks[0].message
    assert ended.result is None


def test_whatever_breaks_is_published_before_it_is_raised(
    execute: Execute, evaluating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*stores: Any, **how: Any) -> Report:
        raise ZeroDivisionError("a metric of ours")

    monkeypatch.setattr(comparison, "compare_with_champion", broken)
    ended = execute(evaluating())
    assert isinstance(ended.error, ZeroDivisionError)  # and not what forbids a retry: it may be the network
    assert (ended.report.verdict, ended.result) == ("fail", None)
    assert "the evaluation failed: ZeroDivisionError: a metric of ours" in ended.report.checks[0].message


def test_a_failed_report_is_given_to_the_gate_which_decides(
    execute: Execute, evaluating: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = Report.from_checks("evaluation", "m v2", [Check("scores finite", "fail")])
    monkeypatch.setattr(comparison, "compare_with_champion", lambda *stores, **how: bad)
    ended = execute(evaluating())
    assert ended.error is None
    assert ended.result["verdict"] == "fail"


def test_a_threshold_that_cannot_be_read_fails_at_once(execute: Execute, evaluating: Any, compared: Any) -> None:
    ended = execute(evaluating(threshold="high"))
    assert isinstance(ended.error, AirflowFailException)
    assert "threshold: Input should be a valid number" in str(ended.error)
    assert compared == {}
