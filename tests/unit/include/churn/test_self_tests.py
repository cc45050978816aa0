"""What the team wrote about its model of churn holds before the world changes and after."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.evaluation.self_tests import BUILT_IN, Subject, Written, self_test
from airflow_mlops.core.report import Report
from include.churn.features import FEATURES, TARGET
from include.churn.measure import BASELINE, CANDIDATES, REFERENCE, Frames, pooled, simulate

WRITTEN = Written.load("include.churn.self_tests")
CONTRACT = Contract.load("include/churn/contract.yaml")


@pytest.fixture(scope="module")
def world() -> Frames:
    return simulate(5, 1500)


def report_on(model: Any, train: pd.DataFrame, held: pd.DataFrame) -> Report:
    held = held.sample(min(len(held), 1000), random_state=0)
    fitted = model.fit(train[FEATURES], train[TARGET])
    subject = Subject.of(fitted, held[FEATURES], held[TARGET], metric="roc_auc", contract=CONTRACT)
    return self_test(subject, WRITTEN, called="churn")


@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize("weeks", [REFERENCE, BASELINE], ids=["before", "after"])
def test_models_of_both_times_pass(name: str, weeks: Any, world: Frames) -> None:
    train, held = pooled(world, weeks, range(3)), pooled(world, weeks, range(3, 5))
    report = report_on(CANDIDATES[name](seed=1), train, held)
    assert report.verdict == "pass", report.summary(20)
    assert len(report.facts["tests"]) > len(BUILT_IN)


def test_a_model_that_sends_everybody_away_is_told(world: Frames) -> None:
    train, held = pooled(world, REFERENCE, range(3)), pooled(world, REFERENCE, range(3, 5))
    report = report_on(CANDIDATES["linear"](), train.assign(**{TARGET: 1 - train[TARGET]}), held)
    failed = {check.name for check in report.failed}
    assert failed >= {"case 1: the typical customer with basic stays", "test_as_many_are_said_to_leave_as_do"}
    assert "better than a constant" in failed
