"""The cleanup's operator: nothing is done that was not clearly meant for real, and a report tells of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.common.report import Check, Report
from airflow_mlops.core.housekeeping import cleanup
from airflow_mlops.core.housekeeping.cleanup import CleanupPolicy
from airflow_mlops.operators.cleanup import CleanUpOperator


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The calls of the cleanup."""
    message: list[Any] = []

    def clean(client: Any, database: Any, root: Any, rules: CleanupPolicy, *, dry_run: bool) -> Report:
        message.append((rules, dry_run))
        return Report.from_checks("cleanup", "a run", [Check("aliases", "fail", "warn")])

    monkeypatch.setattr(cleanup, "clean_up", clean)
    return message


def task(**how: Any) -> CleanUpOperator:
    made = CleanUpOperator(task_id="clean", **how)
    made.__dict__["mlflow_hook"] = SimpleNamespace(client=None)
    return made


@pytest.mark.parametrize(
    ("apply", "dry_run"),
    [
        ("True", False),
        (True, False),
        ("yes", False),
        ("False", True),
        (False, True),
        ("", True),
        ("None", True),
        ("{{ not params.dry_run or dag_run.run_type == 'scheduled' }}", True),
    ],
)
def test_what_is_not_clearly_meant_for_real_is_a_dry_run(
    execute: Callable[..., Any], cleaned: list[Any], apply: Any, dry_run: bool
) -> None:
    context = {"params": {"dry_run": True}, "dag_run": SimpleNamespace(run_type="manual")}
    ended = execute(task(apply=apply), **context)
    assert cleaned == [(CleanupPolicy(), dry_run)]
    assert ended.result == ended.report.ref().to_dict()


@pytest.mark.parametrize(("run_type", "dry", "dry_run"), [("scheduled", True, False), ("manual", False, False)])
def test_a_scheduled_run_does_it_and_the_form_when_told(
    execute: Callable[..., Any], cleaned: list[Any], run_type: str, dry: bool, dry_run: bool
) -> None:
    rule = "{{ not params.dry_run or dag_run.run_type == 'scheduled' }}"
    context = {"params": {"dry_run": dry, "days": 7}, "dag_run": SimpleNamespace(run_type=run_type)}
    execute(task(apply=rule, keep_days="{{ params.days }}", max_actions="10"), **context)
    assert cleaned == [(CleanupPolicy(keep_days=7.0, max_actions=10), dry_run)]


def test_a_word_that_says_neither_fails_the_task_and_nothing_is_done(
    execute: Callable[..., Any], cleaned: list[Any]
) -> None:
    assert "apply='surely' is not a valid boolean" in str(execute(task(apply="surely")).error)
    assert cleaned == []


def test_rules_that_could_take_what_is_needed_fail_the_task(execute: Callable[..., Any], cleaned: list[Any]) -> None:
    assert "keep_champions is 0" in str(execute(task(keep_champions="0")).error)
    assert cleaned == []
