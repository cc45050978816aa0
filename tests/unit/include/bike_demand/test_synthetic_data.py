from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.validation import validate
from include.bike_demand.synthetic_data import generate_hours
from include.bike_sharing.calendar import MONTHS
from include.bike_sharing.source import filter_month

CONTRACTS = ["include/bike_demand/contract.yaml", "include/bike_sharing/contract.yaml"]


def test_the_same_seed_gives_the_same_hours_and_another_seed_others(generated: pd.DataFrame) -> None:
    assert_frame_equal(generated, generate_hours())
    assert not generate_hours(4).equals(generated)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_month_keeps_the_contract_and_so_does_that_of_bike_sharing(
    contract: str, generated: pd.DataFrame
) -> None:
    months = [filter_month(generated, month) for month in MONTHS]
    assert sum(map(len, months)) == len(generated)
    promised = Contract.load(contract)
    for month in months:
        report = validate(pl.from_pandas(month).lazy(), promised)
        assert report.verdict == "pass", report.summary()


def test_demand_grows_comes_with_warmth_and_has_two_peaks_on_working_days(generated: pd.DataFrame) -> None:
    by_year = generated.groupby("yr")["cnt"].mean()
    assert by_year[1] > 1.3 * by_year[0]
    by_month = generated.groupby("mnth")["cnt"].mean()
    assert by_month[7] > 1.5 * by_month[1]
    by_hour = generated[generated["workingday"] == 1].groupby("hr")["cnt"].mean()
    assert {8, 17} == {int(by_hour[:12].idxmax()), int(by_hour[12:].idxmax())}
    assert (generated["casual"] + generated["registered"] == generated["cnt"]).all()


@pytest.mark.data
def test_it_looks_like_the_real_hours(generated: pd.DataFrame, test_data: Path) -> None:
    real = pd.read_csv(test_data / "bike_sharing_hour.csv")
    assert list(generated.columns) == list(real.columns)
    assert [generated[c].dtype.kind for c in real.select_dtypes("number")] == [
        real[c].dtype.kind for c in real.select_dtypes("number")
    ]
    assert abs(len(generated) / len(real) - 1) < 0.02
    for column in ("temp", "atemp", "hum", "windspeed"):
        assert abs(generated[column].mean() - real[column].mean()) < 0.08, column
        assert 0.4 < generated[column].std() / real[column].std() < 1.5, column
    for column in ("casual", "registered", "cnt"):
        assert 0.8 < generated[column].mean() / real[column].mean() < 1.25, column
    means = [rows.groupby(["workingday", "hr"])["cnt"].mean() for rows in (generated, real)]
    assert np.corrcoef(*means)[0, 1] > 0.95
