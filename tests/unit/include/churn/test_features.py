from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import Engine, create_engine, text

from include.churn.business import Business
from include.churn.calendar import CHANGE_DAY, CHANGE_WEEK, LAST_WEEK, WEEK, key
from include.churn.database import METADATA
from include.churn.features import (
    CATEGORICAL,
    FEATURES,
    FEATURES_SQL,
    KEY,
    LABELS_SQL,
    NUMERIC,
    TARGET,
    label_binds,
    query_binds,
    with_tenure,
)

CUTOFFS = [date(2026, 3, 2), CHANGE_DAY, CHANGE_WEEK]


def features(engine: Engine, cutoff: date) -> pd.DataFrame:
    with engine.connect() as connection:
        return pd.read_sql(text(FEATURES_SQL.read_text()), connection, params=query_binds(key(cutoff)))


def labels(engine: Engine, cutoff: date) -> pd.DataFrame:
    with engine.connect() as connection:
        return pd.read_sql(text(LABELS_SQL.read_text()), connection, params=label_binds(key(cutoff)))


def change(engine: Engine, statement: str, cutoff: date) -> int:
    with engine.begin() as connection:
        return connection.execute(text(statement), {"cutoff": key(cutoff)}).rowcount


@pytest.fixture
def tiny() -> Engine:
    """Three customers on the week up to Monday 2026-03-09: a busy one, an idle one and one who cancels."""
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    who = "'individual', 'basic', 'north', NULL, 40"
    rows = {
        "customers": [
            f"1, {who}, '2026-02-02', '2026-02-02', NULL",
            f"2, {who}, '2026-03-08', '2026-03-08', '2026-03-23'",
            f"3, {who}, '2026-01-05', '2026-01-05', '2026-03-09'",
            f"4, {who}, '2026-01-05', '2026-01-05', '2026-03-08'",
            f"5, {who}, '2026-03-09', '2026-03-09', NULL",
        ],
        "daily_activity": [
            "1, '2026-02-22', 50, 500",
            "1, '2026-02-23', 3, 30",
            "1, '2026-03-01', 4, 40",
            "1, '2026-03-02', 5, 50.5",
            "1, '2026-03-08', 6, 60",
            "1, '2026-03-09', 70, 700",
            "3, '2026-03-04', 2, NULL",
        ],
        "support_calls": [
            "1, 1, '2026-03-01', 't', 9",
            "2, 1, '2026-03-02', 't', 9",
            "3, 1, '2026-03-09', 't', 9",
        ],
        "payments": [
            "1, '2026-02-20', 9.99, 'failed'",
            "1, '2026-02-27', 2.49, 'failed'",
            "1, '2026-03-06', 2.24, 'paid'",
            "1, '2026-03-13', 9.99, 'failed'",
        ],
    }
    with engine.begin() as connection:
        for table, values in rows.items():
            for row in values:
                connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({row})")
    return engine


def test_each_feature_counts_the_days_of_its_own_week(tiny: Engine) -> None:
    busy = features(tiny, date(2026, 3, 9)).set_index(KEY).loc[1]
    assert busy.sessions_7d == 11
    assert busy.minutes_7d == 110.5
    assert busy.active_days_7d == 2
    assert busy.sessions_previous_7d == 7
    assert busy.support_calls_7d == 1
    assert busy.weekly_price == 2.24
    assert busy.failed_payments_14d == 1


def test_customers_are_those_active_at_the_cut_off(tiny: Engine) -> None:
    assert features(tiny, date(2026, 3, 9))[KEY].tolist() == [1, 2, 3]
    assert labels(tiny, date(2026, 3, 9))[KEY].tolist() == [1, 2, 3]


def test_nothing_done_is_zero_and_nothing_known_is_missing(tiny: Engine) -> None:
    rows = features(tiny, date(2026, 3, 9)).set_index(KEY)
    assert rows.loc[2, ["sessions_7d", "minutes_7d", "support_calls_7d"]].tolist() == [0, 0, 0]
    assert rows.loc[3, "sessions_7d"] == 2
    assert pd.isna(rows.loc[3, "minutes_7d"])
    assert rows["acquisition_channel"].isna().all()


def test_a_label_is_a_cancellation_from_the_cut_off_to_before_the_horizons_end(tiny: Engine) -> None:
    assert labels(tiny, date(2026, 3, 9))[TARGET].tolist() == [0, 0, 1]
    assert labels(tiny, date(2026, 3, 16)).set_index(KEY)[TARGET].to_dict() == {1: 0, 2: 1, 5: 0}


@pytest.mark.parametrize("cutoff", CUTOFFS)
def test_features_read_nothing_from_the_future(engine: Engine, cutoff: date) -> None:
    expected = features(engine, cutoff)
    assert len(expected) > 250
    for table, day in {
        "daily_activity": "day",
        "support_calls": "day",
        "payments": "paid_on",
        "plan_prices": "valid_from",
        "customers": "joined_on",
    }.items():
        change(engine, f"DELETE FROM {table} WHERE {day} >= :cutoff", cutoff)
    forgotten = "UPDATE customers SET cancelled_on = NULL WHERE cancelled_on >= :cutoff"
    assert change(engine, forgotten, cutoff) > 20
    assert_frame_equal(features(engine, cutoff), expected)


def test_labels_mature_when_the_whole_horizon_has_passed(engine: Engine) -> None:
    cutoff = date(2026, 3, 2)
    final = labels(engine, cutoff)[TARGET].sum()
    known = {}
    for weeks_later in (2, 1, 0):
        # What is known on a day: no cancellation of that day or later has happened yet.
        day = cutoff + weeks_later * WEEK
        change(engine, "UPDATE customers SET cancelled_on = NULL WHERE cancelled_on >= :cutoff", day)
        known[weeks_later] = labels(engine, cutoff)[TARGET].sum()
    assert known[2] == final
    assert 0 == known[0] < known[1] < final


def test_the_last_partition_has_labels_for_its_whole_horizon(changed: Business) -> None:
    assert changed.customers.cancelled_on.max() >= pd.Timestamp(LAST_WEEK + 2 * WEEK) - pd.Timedelta(days=2)


def test_labels_and_features_are_about_the_same_customers(engine: Engine) -> None:
    for cutoff in CUTOFFS:
        assert features(engine, cutoff)[KEY].tolist() == labels(engine, cutoff)[KEY].tolist()


def test_customers_taken_over_come_with_features_of_both_weeks(engine: Engine) -> None:
    before, after = features(engine, CHANGE_DAY), features(engine, CHANGE_WEEK)
    assert "acquired" not in set(before.segment)
    acquired = after[after.segment == "acquired"]
    assert acquired.sessions_previous_7d.mean() > 0.7 * acquired.sessions_7d.mean()


def test_a_partition_has_every_feature_and_nothing_else(engine: Engine) -> None:
    rows = with_tenure(features(engine, CHANGE_WEEK), key(CHANGE_WEEK))
    assert rows.columns[0] == KEY
    assert sorted(rows.columns) == sorted([KEY, *FEATURES])
    assert rows[KEY].is_unique
    assert all(pd.api.types.is_numeric_dtype(rows[name]) for name in NUMERIC)
    assert not any(pd.api.types.is_numeric_dtype(rows[name]) for name in CATEGORICAL)


@pytest.mark.parametrize("day", ["2026-03-02", date(2026, 3, 2)])
def test_tenure_is_the_weeks_from_subscription_to_the_cut_off(day: str | date) -> None:
    frame = pd.DataFrame({KEY: [1, 2], "subscribed_on": [day, day]})
    rows = with_tenure(frame, "2026-03-12")
    assert rows.tenure_weeks.tolist() == [10 / 7, 10 / 7]
    assert "subscribed_on" not in rows
    assert "subscribed_on" in frame


def test_parsing_a_dag_imports_no_data_library() -> None:
    code = (
        "import sys, include.churn.calendar, include.churn.features, include.churn.model\n"
        "print(*{'numpy', 'pandas', 'sklearn', 'sqlalchemy'} & set(sys.modules))"
    )
    root = Path(__file__).parents[4]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
