from __future__ import annotations

import pandas as pd
import polars as pl
import pytest
from pandas.testing import assert_frame_equal

from airflow_mlops.core.data.contracts import Contract
from airflow_mlops.core.data.validation import validate
from include.titanic.features import FEATURES, KEY, TARGET
from include.titanic.synthetic_data import generate_passengers

CONTRACT = "include/titanic/contract.yaml"


def rates(rows: pd.DataFrame) -> pd.Series:
    return rows.groupby(["Pclass", "Sex"])[TARGET].mean()


def test_the_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    assert_frame_equal(generate_passengers(3), generate_passengers(3))
    assert not generate_passengers(3).equals(generate_passengers(4))
    assert len(generate_passengers(0, rows=50)) == 50


@pytest.mark.parametrize("seed", range(5))
def test_it_keeps_the_contract(seed: int) -> None:
    report = validate(pl.from_pandas(generate_passengers(seed)).lazy(), Contract.load(CONTRACT))
    assert report.verdict == "pass", report.summary()


def test_nobody_in_it_ever_lived(generated: pd.DataFrame) -> None:
    assert generated["Name"].str.fullmatch(r"Nobody-\d{4}, (Mr|Mrs|Miss|Master)\. N\.").all()


@pytest.mark.parametrize("seed", range(5))
def test_women_and_the_first_class_survive_more_often(seed: int) -> None:
    rate = rates(generate_passengers(seed)).unstack()
    assert (rate["female"] > rate["male"] + 0.2).all(), rate
    assert (rate.loc[1] > rate.loc[3] + 0.1).all(), rate


def test_age_cabin_and_port_have_missing_values_and_nothing_else_has(generated: pd.DataFrame) -> None:
    missing = generate_passengers(0, rows=5000).isna().mean()
    assert set(missing.index[missing > 0]) == {"Age", "Cabin", "Embarked"}
    assert list(generated.columns) == [KEY, TARGET, *FEATURES]


@pytest.mark.data
def test_it_looks_like_the_real_list(real: pd.DataFrame) -> None:
    many = generate_passengers(0, rows=5000)
    assert (rates(many) - rates(real)).abs().max() < 0.1
    for column in ("Pclass", "Sex", "Embarked"):
        shares = [rows[column].value_counts(normalize=True) for rows in (many, real)]
        assert (shares[0] - shares[1]).abs().max() < 0.05, column
    assert (many.isna().mean() - real.isna().mean()).abs().max() < 0.03
    assert abs(many["Age"].mean() - real["Age"].mean()) < 3
    fares = [rows.groupby("Pclass")["Fare"].median() for rows in (many, real)]
    assert (fares[0] / fares[1] - 1).abs().max() < 0.25


@pytest.mark.data
def test_the_real_list_keeps_the_contract(real: pd.DataFrame) -> None:
    report = validate(pl.from_pandas(real).lazy(), Contract.load(CONTRACT))
    assert report.verdict == "pass", report.summary()
    assert len(real) == 891
