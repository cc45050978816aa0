"""What the team wrote about its model of churn holds before the world changes and after."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from airflow_mlops.common.report import Report
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.model_tests import BUILT_IN, CustomTests, ModelUnderTest, run_model_tests
from include.churn.features import FEATURES, TARGET
from include.churn.simulation_metrics import BASELINE, CANDIDATES, REFERENCE, Frames, pool_partitions, simulate

WRITTEN = CustomTests.load("include.churn.self_tests")
CONTRACT = Contract.load("include/churn/contract.yaml")


@pytest.fixture(scope="module")
def world() -> Frames:
    return simulate(5, 1500)


def report_on(model: Any, train: pd.DataFrame, held: pd.DataFrame) -> Report:
    held = held.sample(min(len(held), 1000), random_state=0)
    fitted = model.fit(train[FEATURES], train[TARGET])
    subject = ModelUnderTest.from_model(fitted, held[FEATURES], held[TARGET], metric="roc_auc", contract=CONTRACT)
    return run_model_tests(subject, WRITTEN, model_name="churn")


@pytest.mark.parametrize("name", CANDIDATES)
@pytest.mark.parametrize("weeks", [REFERENCE, BASELINE], ids=["before", "after"])
def test_models_of_both_times_pass(name: str, weeks: Any, world: Frames) -> None:
    train, held = pool_partitions(world, weeks, range(3)), pool_partitions(world, weeks, range(3, 5))
    report = report_on(CANDIDATES[name](seed=1), train, held)
    assert report.verdict == "pass", report.summary(20)
    assert len(report.facts["tests"]) > len(BUILT_IN)


def test_a_model_that_sends_everybody_away_is_told(world: Frames) -> None:
    train, held = pool_partitions(world, REFERENCE, range(3)), pool_partitions(world, REFERENCE, range(3, 5))
    report = report_on(CANDIDATES["linear"](), train.assign(**{TARGET: 1 - train[TARGET]}), held)
    failed = {check.name for check in report.failed}
    assert failed >= {"case 1: the typical basic customer stays", "test_predicted_churn_rate_matches_the_actual_one"}
    assert "better than a constant" in failed
