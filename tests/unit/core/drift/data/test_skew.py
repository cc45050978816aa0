"""Serving data is held against training data, but for what the contract says is not there."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from airflow_mlops.common.errors import BadInput
from airflow_mlops.core.data.profiles import Profile, profile
from airflow_mlops.core.drift.data.skew import check_skew

CONTRACT = {
    "name": "churn",
    "columns": {"age": {"type": "float"}, "plan": {"type": "category"}, "left": {"type": "int", "role": "label"}},
    "environments": {"serving": {"without": ["left"]}},
}


def rows(seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    plans = rng.choice(["basic", "premium"], 3000)
    return pl.DataFrame({"age": rng.normal(40, 9, 3000), "plan": plans, "left": rng.integers(0, 2, 3000)})


@pytest.fixture
def training() -> Profile:
    return profile(rows(0))


def test_the_label_may_be_missing_when_serving(training: Profile) -> None:
    report = check_skew(training, profile(rows(1).drop("left"), like=training), CONTRACT)
    assert (report.kind, report.verdict, report.subject) == ("skew", "pass", "churn as serving")
    assert "left" not in {c.where for c in report.checks}


def test_a_feature_may_not(training: Profile) -> None:
    report = check_skew(training, profile(rows(1).drop("left", "age"), like=training), CONTRACT)
    assert [c.where for c in report.failed] == ["age"]


def test_another_unit_in_one_pipeline_is_skew(training: Profile) -> None:
    months = rows(1).drop("left").with_columns(pl.col("age") * 12)
    report = check_skew(training, profile(months, like=training), CONTRACT)
    assert [c.where for c in report.failed] == ["age"]


def test_an_environment_that_the_contract_does_not_know_is_refused(training: Profile) -> None:
    with pytest.raises(BadInput, match="no environment 'staging'"):
        check_skew(training, training, CONTRACT, environment="staging")
