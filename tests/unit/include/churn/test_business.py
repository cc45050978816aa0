from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from sqlalchemy import create_engine, text

from include.churn.business import END, FIRST_DAY, Business, build
from include.churn.calendar import CHANGE_DAY, FIRST_WEEK, LAST_WEEK, weeks

CHANGE = pd.Timestamp(CHANGE_DAY)
EVENTS = {"daily_activity": "day", "support_calls": "day", "payments": "paid_on"}


def active(customers: pd.DataFrame, cutoff: pd.Timestamp) -> pd.DataFrame:
    gone = customers.cancelled_on < cutoff
    return customers[(customers.joined_on < cutoff) & ~gone]


def taken_over(customers: pd.DataFrame) -> pd.DataFrame:
    return customers[customers.joined_on > customers.subscribed_on]


def events(business: Business, name: str, until: pd.Timestamp, of: pd.Series) -> pd.DataFrame:
    rows = getattr(business, name)
    rows = rows[(rows[EVENTS[name]] < until) & rows.customer_id.isin(of)]
    return rows.drop(columns="call_id", errors="ignore").reset_index(drop=True)


def test_the_same_seed_gives_the_same_rows(changed: Business) -> None:
    again = build(3, 300)
    for table in dataclasses.fields(Business):
        assert_frame_equal(getattr(again, table.name), getattr(changed, table.name))


def test_another_seed_gives_other_rows(changed: Business) -> None:
    other = build(4, 300)
    assert other.customers.plan.head(100).tolist() != changed.customers.plan.head(100).tolist()
    assert other.daily_activity.minutes.head(100).tolist() != changed.daily_activity.minutes.head(100).tolist()


def test_the_active_customers_are_about_the_size_before_the_change_and_a_third_more_after(
    changed: Business,
) -> None:
    counts = pd.Series(
        {cutoff: len(active(changed.customers, pd.Timestamp(cutoff))) for cutoff in weeks(FIRST_WEEK, LAST_WEEK)}
    )
    before, after = counts[counts.index <= CHANGE_DAY], counts[counts.index > CHANGE_DAY]
    assert before.between(300 * 0.95, 300 * 1.05).all()
    assert after.between(300 * 1.35 * 0.95, 300 * 1.35 * 1.05).all()


def test_without_the_change_the_days_before_it_are_the_same(changed: Business, unchanged: Business) -> None:
    with_it, without = (
        business.customers[business.customers.joined_on < CHANGE].reset_index(drop=True)
        for business in (changed, unchanged)
    )
    for customers in (with_it, without):
        customers["cancelled_on"] = customers.cancelled_on.mask(customers.cancelled_on >= CHANGE)
    assert_frame_equal(with_it, without)
    for name in EVENTS:
        before = [events(business, name, CHANGE, with_it.customer_id) for business in (changed, unchanged)]
        assert len(before[0]) > 100
        assert_frame_equal(*before)


def test_without_the_change_nobody_is_taken_over_and_no_price_rises(unchanged: Business) -> None:
    assert taken_over(unchanged.customers).empty
    assert "acquired" not in set(unchanged.customers.segment)
    assert len(unchanged.plan_prices) == 3
    paid = unchanged.payments.merge(unchanged.customers[["customer_id", "plan"]], on="customer_id")
    assert paid.groupby("plan").amount.max().to_dict() == {"basic": 2.49, "standard": 3.99, "premium": 5.99}


def test_prices_rise_on_the_day_of_the_change(changed: Business) -> None:
    paid = changed.payments.merge(changed.customers[["customer_id", "plan"]], on="customer_id")
    for since, listed in changed.plan_prices.groupby("valid_from"):
        risen = since == CHANGE
        amounts = paid[(paid.paid_on >= CHANGE) == risen].groupby("plan").amount.max()
        assert amounts.to_dict() == listed.set_index("plan").weekly_price.to_dict()
    assert changed.plan_prices.groupby("plan").weekly_price.nunique().eq(2).all()


def test_customers_taken_over_join_in_one_day_with_two_weeks_of_history(changed: Business) -> None:
    customers = taken_over(changed.customers)
    assert set(customers.joined_on) == {CHANGE}
    assert set(customers.segment) == {"acquired"}
    for name, day in EVENTS.items():
        days = getattr(changed, name).query("customer_id in @customers.customer_id")[day]
        assert days.min() == CHANGE - pd.Timedelta(days=14), name


def test_the_share_of_the_taken_over_segment_stays_after_the_change(changed: Business) -> None:
    shares = [
        (active(changed.customers, pd.Timestamp(cutoff)).segment == "acquired").mean()
        for cutoff in weeks(CHANGE_DAY, LAST_WEEK)[1:]
    ]
    assert max(shares) - min(shares) < 0.03
    assert 0.23 < min(shares) < 0.29


def test_every_event_happens_while_its_customer_subscribes(changed: Business) -> None:
    customers = changed.customers.set_index("customer_id")
    for name, column in EVENTS.items():
        rows = getattr(changed, name)
        of = customers.loc[rows.customer_id]
        day = rows[column].to_numpy()
        assert (of.subscribed_on.to_numpy() <= day).all(), name
        assert not (of.cancelled_on.to_numpy() <= day).any(), name
        assert rows[column].between(pd.Timestamp(FIRST_DAY), pd.Timestamp(END), inclusive="left").all(), name


def test_every_customer_pays_once_a_week(changed: Business) -> None:
    week = pd.Timestamp("2026-03-02")
    stayed = changed.customers[
        (changed.customers.subscribed_on < week)
        & ~(changed.customers.cancelled_on < week + pd.Timedelta(days=7))
        & (changed.customers.segment != "acquired")
    ]
    paid = changed.payments[changed.payments.paid_on.between(week, week + pd.Timedelta(days=7), inclusive="left")]
    counts = paid[paid.customer_id.isin(stayed.customer_id)].customer_id.value_counts()
    assert len(counts) == len(stayed)
    assert set(counts) == {1}


def test_some_values_are_missing(changed: Business) -> None:
    missing = changed.customers[["age", "acquisition_channel"]].isna().mean()
    assert missing.between(0.01, 0.1).all()
    assert 0.005 < changed.daily_activity.minutes.isna().mean() < 0.1


@pytest.mark.parametrize(("options", "said"), [([], "change on 2026-04-27"), (["--no-change"], "no change")])
def test_the_command_writes_the_database_and_says_so_in_two_lines(
    tmp_path: Path, options: list[str], said: str
) -> None:
    url = f"sqlite:///{tmp_path / 'shop.db'}"
    command = [sys.executable, "-m", "include.churn", "--url", url, "--seed", "3", "--size", "50"]
    root = Path(__file__).parents[4]
    done = subprocess.run([*command, *options], cwd=root, capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert said in second
    with create_engine(url).connect() as connection:
        written = connection.execute(text("SELECT COUNT(*) FROM customers")).scalar_one()
    assert first.startswith(f"{written} customers")
