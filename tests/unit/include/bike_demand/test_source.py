from __future__ import annotations

from datetime import UTC, datetime

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from include.bike_demand import source
from include.bike_sharing.calendar import MONTHS
from include.bike_sharing.source import FOLDER_VARIABLE, VARIABLE


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)


def test_a_file_is_used_where_one_is_given_and_a_look_alike_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    alike = source.find_source(None, None, None)
    assert (alike["path"], alike["rows"], alike["model"]) == (
        "",
        "include.bike_demand.source:synthetic_rows",
        "bike_demand_synthetic",
    )
    monkeypatch.setenv(VARIABLE, "/hours.csv")
    real = source.find_source(None, None, None)
    assert (real["path"], real["rows"], real["model"]) == ("/hours.csv", "", "bike_demand")
    assert source.find_source("/mine.csv", None, None)["path"] == "/mine.csv"


@pytest.mark.parametrize(
    ("month", "start", "found", "effective"),
    [
        (None, None, "2012-12", "2013-01-01T00:00:00+00:00"),
        (None, datetime(2011, 7, 1, tzinfo=UTC), "2011-07", "2011-08-01T00:00:00+00:00"),
        ("2011-09", None, "2011-09", "2011-10-01T00:00:00+00:00"),
        ("2011-09", datetime(2011, 7, 1, tzinfo=UTC), "2011-09", "2011-10-01T00:00:00+00:00"),
    ],
    ids=["all there is", "of the run", "by hand", "by hand first"],
)
def test_the_month_is_that_of_the_form_or_of_the_run_or_the_last(
    month: str | None, start: datetime | None, found: str, effective: str
) -> None:
    told = source.find_source(None, month, start)
    assert (told["month"], told["effective_at"]) == (found, effective)


@pytest.mark.parametrize("month", ["2010-12", "2013-01"])
def test_a_month_without_data_fails_when_it_is_asked_for_and_is_skipped_by_the_calendar(month: str) -> None:
    with pytest.raises(AirflowFailException, match="2011-01 to 2012-12"):
        source.find_source(None, month, None)
    with pytest.raises(AirflowSkipException, match="2011-01 to 2012-12"):
        source.find_source(None, None, datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC))


def test_months_are_counted_over_the_year() -> None:
    assert source.months_up_to("2012-01") == MONTHS[:13]
    assert [source.next_month(month) for month in MONTHS[:-1]] == MONTHS[1:]
