from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline

from airflow_mlops.common.policy import load_section
from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.gate import GatePolicy
from airflow_mlops.core.models import artifact
from include.bike_demand.features import CANDIDATES, FEATURES, KEY, TARGET, TIME
from include.bike_demand.model import boosted, linear

BUILDS = pytest.mark.parametrize("build", [linear, boosted])


@pytest.fixture(scope="module")
def fitted(generated: pd.DataFrame) -> dict[Any, Pipeline]:
    train = generated[generated["dteday"] < "2011-10-01"]
    return {build: build().fit(train[FEATURES], train[TARGET]) for build in (linear, boosted)}


@BUILDS
def test_a_candidate_is_stored_and_loaded_with_the_provider_s_own_allow_list(
    build: Callable[..., Pipeline], fitted: dict[Any, Pipeline], generated: pd.DataFrame, tmp_path: Path
) -> None:
    rows = generated[FEATURES].head(200)
    digest = artifact.write(fitted[build], tmp_path / "model", rows.head())
    again = artifact.load_model(tmp_path / "model", digest)
    assert (again.predict(rows) == fitted[build].predict(rows)).all()


@BUILDS
def test_a_forecast_is_a_positive_number_and_far_better_than_the_mean(
    build: Callable[..., Pipeline], fitted: dict[Any, Pipeline], generated: pd.DataFrame
) -> None:
    after = generated[(generated["dteday"] >= "2011-10-01") & (generated["dteday"] < "2012-01-01")]
    predicted = fitted[build].predict(after[FEATURES])
    assert np.isfinite(predicted).all()
    assert (predicted >= 0).all()
    errors = [np.abs(after[TARGET] - guess).mean() for guess in (predicted, after[TARGET].mean())]
    assert errors[0] < 0.5 * errors[1]


def test_after_the_last_hour_comes_the_first_again(fitted: dict[Any, Pipeline]) -> None:
    waves = fitted[linear].named_steps["columns"].named_transformers_["hours"]
    hours = waves.transform(pd.DataFrame({"hr": [22, 23, 0, 12], "workingday": 1}))
    near, over, far = (np.linalg.norm(hours[i] - hours[j]) for i, j in ((0, 1), (1, 2), (0, 3)))
    assert over < 1.5 * near < far


def test_columns_contract_and_policy_fit_each_other() -> None:
    contract = Contract.load("include/bike_demand/contract.yaml")
    assert sorted(contract.features) == sorted(FEATURES)
    assert (contract.label, list(contract.key)) == (TARGET, KEY)
    assert TIME in contract.columns
    assert not {"casual", "registered"} & {*contract.features}
    assert load_section(GatePolicy, "include/bike_demand/policy.yaml", "gate").metric == "mae"
    assert [path.partition(":")[2] for path in CANDIDATES] == ["linear", "boosted"]
