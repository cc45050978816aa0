"""What the team wrote about its model of survival: the trained models keep to it, a model with a slip does not."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from airflow_mlops.common.report import Report
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.model_tests import BUILT_IN, CustomTests, ModelUnderTest, run_model_tests
from include.titanic.features import FEATURES, TARGET
from include.titanic.model import boosted, linear

WRITTEN = CustomTests.load("include.titanic.self_tests")
CONTRACT = Contract.load("include/titanic/contract.yaml")


def report_on(model: Any, rows: pd.DataFrame, seed: int) -> Report:
    """Fit on three quarters of the rows, test on the others."""
    held = rows.sample(frac=0.25, random_state=seed)
    train = rows.drop(held.index)
    fitted = model.fit(train[FEATURES], train[TARGET])
    subject = ModelUnderTest.from_model(fitted, held[FEATURES], held[TARGET], metric="roc_auc", contract=CONTRACT)
    return run_model_tests(subject, WRITTEN, model_name=f"titanic seed {seed}")


@pytest.mark.parametrize("build", [linear, boosted])
def test_models_of_the_look_alike_pass(build: Any, generated: pd.DataFrame) -> None:
    report = report_on(build(), generated, 0)
    assert report.verdict == "pass", report.summary(20)
    assert set(report.facts["tests"].values()) == {"pass"}, report.facts["tests"]
    assert len(report.facts["tests"]) > len(BUILT_IN)


@pytest.mark.data
@pytest.mark.parametrize("build", [linear, boosted])
def test_models_of_the_real_list_pass(build: Any, real: pd.DataFrame) -> None:
    report = report_on(build(), real, 3)
    assert report.verdict == "pass", report.summary(20)


def test_a_model_that_has_learned_it_the_wrong_way_round_is_told(generated: pd.DataFrame) -> None:
    report = report_on(linear(), generated.assign(**{TARGET: 1 - generated[TARGET]}), 0)
    failed = {check.name.partition(":")[0] for check in report.failed}
    assert failed >= {"case 1", "case 2", "direction Sex", "direction Pclass", "test_boys_score_above_men"}
    assert not failed & set(BUILT_IN)
