"""Leakage as a step: the report is published before the task fails, and what is known is let through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.core.data.snapshots.snapshot import SnapshotRoot
from airflow_mlops.operators.leakage import CheckLeakageOperator

Execute = Callable[..., Any]
CONTRACT = {
    "name": "rides",
    "key": "id",
    "columns": {
        "id": {"type": "int"},
        "day": {"type": "date", "role": "ignore"},
        "casual": {"type": "int"},
        "registered": {"type": "int"},
        "warm": {"type": "float"},
        "cnt": {"type": "int", "role": "label"},
    },
}


@pytest.fixture
def parts(root: SnapshotRoot) -> dict[str, Any]:
    """Train and test of rides, by time, in which two kinds of riders add up."""
    rng = np.random.default_rng(0)
    days = pd.date_range("2026-01-01", periods=200)
    casual, registered = rng.poisson(9, 200), rng.poisson(30, 200)
    frame = pd.DataFrame(
        {
            "id": range(200),
            "day": days.strftime("%Y-%m-%d"),
            "casual": casual,
            "registered": registered,
            "warm": rng.random(200),
            "cnt": casual + registered,
        }
    )
    return {
        "train": root.write("rides_train", frame[:120], partition="2026-07").to_dict(),
        "test": root.write("rides_test", frame[120:], partition="2026-07").to_dict(),
    }


def checking(**how: Any) -> CheckLeakageOperator:
    return CheckLeakageOperator(**{"task_id": "t", "contract": CONTRACT} | how)


def test_a_leak_fails_the_task_after_its_report_is_published(execute: Execute, parts: Any) -> None:
    ended = execute(checking(parts=parts))
    assert isinstance(ended.error, AirflowFailException)
    assert "cnt = casual + registered" in str(ended.error)
    assert ended.report.id in str(ended.error)
    assert ended.pushed == {"report": ended.report.ref().to_dict()}
    assert (ended.report.kind, ended.report.subject) == ("leakage", "rides_train 2026-07")


def test_told_to_warn_or_to_ignore_it_goes_on(execute: Execute, parts: Any) -> None:
    warned = execute(checking(parts=parts, when_failed="warn"))
    assert (warned.error, warned.result["verdict"]) == (None, "fail")
    ignore = [{"check": "derived target", "where": "casual, registered", "reason": "an exercise"}]
    assert execute(checking(task_id="i", parts=parts, ignore=ignore)).result["verdict"] == "pass"


def test_columns_named_here_come_before_the_contract_s(execute: Execute, parts: Any) -> None:
    assert execute(checking(parts=parts, features=["warm"])).result["verdict"] == "pass"
    message = execute(checking(task_id="k", parts=parts, features=["warm"], key="cnt"))
    assert "overlapping rows" in str(message.error)


def test_time_and_cut_off_are_templated(execute: Execute, parts: Any) -> None:
    how = {"parts": parts, "features": ["warm"], "time": "{{ column }}", "cutoff": "{{ cutoff }}"}
    assert execute(checking(**how), column="day", cutoff="2026-07").result["verdict"] == "pass"
    late = execute(checking(task_id="late", **how), column="day", cutoff="2026-06")
    assert "rows after the cut-off" in str(late.error)
    turned = {"train": parts["test"], "test": parts["train"]}
    shuffled = {**how, "parts": turned, "ordered": "{{ ordered }}"}
    assert execute(checking(task_id="o", **shuffled), column="day", cutoff="2026-07", ordered="no").error is None
    wrong = execute(checking(task_id="w", **shuffled), column="day", cutoff="2026-07", ordered="yes")
    assert "temporal order" in str(wrong.error)


def test_bad_input_fails_at_once_without_a_report(execute: Execute, parts: Any) -> None:
    ended = execute(checking(parts={"train": parts["train"]}))
    assert isinstance(ended.error, AirflowFailException)
    assert ended.published == []


def test_an_order_that_is_neither_asked_for_nor_not_is_an_error(execute: Execute, parts: dict[str, Any]) -> None:
    ended = execute(
        CheckLeakageOperator(task_id="t", parts=parts, contract=CONTRACT, time="day", ordered="maybe"),
    )
    assert isinstance(ended.error, AirflowFailException)
    assert "ordered='maybe' is not a valid boolean" in str(ended.error)
