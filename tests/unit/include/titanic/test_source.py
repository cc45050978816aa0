from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from include.titanic.source import CONN_ID, VARIABLE, cast_text_columns, find_source, synthetic_rows

CONNECTION = f"AIRFLOW_CONN_{CONN_ID.upper()}"


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(CONNECTION, raising=False)


def connect(monkeypatch: pytest.MonkeyPatch, **fields: object) -> None:
    monkeypatch.setenv(CONNECTION, json.dumps({"conn_type": "fs", **fields}))


def test_the_param_comes_before_the_variable_and_the_variable_before_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(monkeypatch, extra={"path": "/connection.csv"})
    assert find_source(None)["path"] == "/connection.csv"
    monkeypatch.setenv(VARIABLE, "/variable.csv")
    assert find_source(None)["path"] == "/variable.csv"
    assert find_source("/param.csv")["path"] == "/param.csv"
    assert find_source("/param.csv")["given_by"] == "the param csv"


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_param_and_an_empty_variable_are_not_given(empty: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, " ")
    connect(monkeypatch, host="/host.csv")
    assert find_source(empty)["path"] == "/host.csv"


def test_the_path_in_the_extra_comes_before_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, host="/host.csv", extra={"path": "/extra.csv"})
    assert find_source(None)["path"] == "/extra.csv"


def test_a_connection_without_a_path_is_an_error_that_says_how_to_hint_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(monkeypatch, login="somebody")
    with pytest.raises(AirflowFailException, match=r'titanic_csv has no path: put \{"path"'):
        find_source(None)


def test_without_any_of_them_the_look_alike_is_used() -> None:
    found = find_source(None)
    assert (found["path"], found["rows"]) == ("", "include.titanic.source:synthetic_rows")
    assert len(synthetic_rows(partition=None)) == 891


@pytest.mark.parametrize(
    ("csv", "seed", "model"),
    [
        ("/a.csv", 0, "titanic"),
        ("/a.csv", 7, "titanic_seed_7"),
        (None, 0, "titanic_synthetic"),
        (None, 7, "titanic_synthetic_seed_7"),
    ],
)
def test_other_data_and_other_splits_are_other_models(csv: str | None, seed: int, model: str) -> None:
    assert find_source(csv, seed)["model"] == model


def test_exactly_one_of_path_and_rows_is_given() -> None:
    assert [bool(find_source(csv)["path"]) + bool(find_source(csv)["rows"]) for csv in ("/a.csv", None)] == [1, 1]


def test_tickets_of_digits_become_text_and_missing_cabins_stay_missing() -> None:
    read = pd.DataFrame({"Ticket": [113803, 373450], "Cabin": ["C85", np.nan], "Age": [1.0, np.nan]})
    settled = cast_text_columns(read)
    assert settled["Ticket"].tolist() == ["113803", "373450"]
    assert settled["Cabin"].isna().tolist() == [False, True]
    assert settled["Age"].dtype == "float64"
    assert read["Ticket"].dtype == "int64"
