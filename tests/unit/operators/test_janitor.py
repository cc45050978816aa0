"""The janitor's operator: nothing is done that was not clearly meant for real, and a report tells of it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_mlops.core.registry import janitor
from airflow_mlops.core.registry.janitor import Janitor
from airflow_mlops.core.report import Check, Report
from airflow_mlops.operators.janitor import JanitorOperator


@pytest.fixture
def cleaned(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the janitor was told."""
    told: list[Any] = []

    def clean(client: Any, database: Any, root: Any, rules: Janitor, *, dry_run: bool) -> Report:
        told.append((rules, dry_run))
        return Report.of("janitor", "a sweep", [Check("aliases", "fail", "warn")])

    monkeypatch.setattr(janitor, "clean", clean)
    return told


def task(**how: Any) -> JanitorOperator:
    made = JanitorOperator(task_id="clean", **how)
    made.__dict__["mlflow_hook"] = SimpleNamespace(client=None)
    return made


@pytest.mark.parametrize(
    ("for_real", "dry_run"),
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
    execute: Callable[..., Any], cleaned: list[Any], for_real: Any, dry_run: bool
) -> None:
    context = {"params": {"dry_run": True}, "dag_run": SimpleNamespace(run_type="manual")}
    ended = execute(task(for_real=for_real), **context)
    assert cleaned == [(Janitor(), dry_run)]
    assert ended.given == ended.report.ref().to_dict()


@pytest.mark.parametrize(("run_type", "dry", "dry_run"), [("scheduled", True, False), ("manual", False, False)])
def test_a_scheduled_run_does_it_and_the_form_when_told(
    execute: Callable[..., Any], cleaned: list[Any], run_type: str, dry: bool, dry_run: bool
) -> None:
    rule = "{{ not params.dry_run or dag_run.run_type == 'scheduled' }}"
    context = {"params": {"dry_run": dry, "days": 7}, "dag_run": SimpleNamespace(run_type=run_type)}
    execute(task(for_real=rule, keep_days="{{ params.days }}", most="10"), **context)
    assert cleaned == [(Janitor(keep_days=7.0, most=10), dry_run)]


def test_a_word_that_says_neither_fails_the_task_and_nothing_is_done(
    execute: Callable[..., Any], cleaned: list[Any]
) -> None:
    assert "for_real='surely' cannot be read" in str(execute(task(for_real="surely")).error)
    assert cleaned == []


def test_rules_that_could_take_what_is_needed_fail_the_task(execute: Callable[..., Any], cleaned: list[Any]) -> None:
    assert "keep_champions is 0" in str(execute(task(keep_champions="0")).error)
    assert cleaned == []
