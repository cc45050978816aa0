"""Where the file is, and how a month is taken out of it."""

from __future__ import annotations

import pandas as pd
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_mlops.common.errors import BadInput
from include.bike_sharing import source


@pytest.mark.parametrize(
    ("csv", "variable", "folder", "found"),
    [
        ("s3://b/x.csv", "/v.csv", "/data", "s3://b/x.csv"),
        (None, "/v.csv", "/data", "/v.csv"),
        (" ", "", "/data", "/data/bike_sharing_hour.csv"),
    ],
)
def test_the_form_counts_before_the_variable_and_that_before_the_folder(
    csv: str | None, variable: str, folder: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(source.VARIABLE, variable)
    monkeypatch.setenv(source.FOLDER_VARIABLE, folder)
    assert source.find_csv(csv) == found


def test_when_nobody_says_where_it_is_the_task_fails_without_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(source.VARIABLE, raising=False)
    monkeypatch.delenv(source.FOLDER_VARIABLE, raising=False)
    with pytest.raises(AirflowFailException, match="BIKE_SHARING_CSV"):
        source.find_csv("")


def test_a_month_is_its_days_and_no_others() -> None:
    frame = pd.DataFrame({"dteday": ["2011-04-30", "2011-05-01", "2012-05-01"], "hr": [23, 0, 0]})
    assert source.filter_month(frame, "2011-05").to_dict("list") == {"dteday": ["2011-05-01"], "hr": [0]}


def test_another_file_is_told_by_its_columns() -> None:
    with pytest.raises(BadInput, match="dteday") as error:
        source.filter_month(pd.DataFrame({"day": []}), "2011-05")
    assert "['day']" in str(error.value)
