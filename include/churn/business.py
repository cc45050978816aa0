"""Simulated subscription company: customers, activity, support calls and payments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from include.churn.calendar import CHANGE_DAY, LABEL_HORIZON, LAST_WEEK, WEEK
from include.churn.market import (
    BURN_IN_WEEKS,
    FIRST_DAY,
    PLANS,
    Array,
    Market,
    Places,
    Week,
    day_number,
    list_prices,
    open_places,
)

END = LAST_WEEK + LABEL_HORIZON
"""The day after the last simulated day; the last partition's labels are complete."""
MIGRATED_FROM = CHANGE_DAY - 2 * WEEK
"""First day of the imported history of the acquired customers."""
PRICES_SINCE = date(2024, 1, 1)
TOPICS = {"technical": 0.5, "billing": 0.3, "account": 0.2}


@dataclass(frozen=True)
class Business:
    """The company's tables, as they are on the last simulated day.

    :param plans: ``plan, title``
    :param plan_prices: ``plan, valid_from, weekly_price``; a price in euros a week before any discount
    :param customers: ``customer_id, segment, plan, region, acquisition_channel, age, subscribed_on,
        joined_on, cancelled_on``; ``joined_on`` is the first day the company has them, ``cancelled_on`` the
        first day without them
    :param daily_activity: ``customer_id, day, sessions, minutes``; only days with a session
    :param support_calls: ``call_id, customer_id, day, topic, minutes``
    :param payments: ``customer_id, paid_on, amount, status``; one a week, in euros
    """

    plans: pd.DataFrame
    plan_prices: pd.DataFrame
    customers: pd.DataFrame
    daily_activity: pd.DataFrame
    support_calls: pd.DataFrame
    payments: pd.DataFrame


def build(seed: int, size: int = 3000, change: bool = True) -> Business:
    """Simulate the company from ``FIRST_DAY`` up to ``END`` (excluded).

    :param seed: the same seed and size give the same rows, and before the change the same rows with it and
        without it
    :param size: approximate number of customers before the change
    :param change: whether the price rise, the acquisition and the new churn reasons happen on ``CHANGE_DAY``
    """
    market = Market(seed, open_places(seed, size), change)
    first_day = day_number(FIRST_DAY)
    weeks = [market.run(monday) for monday in range(first_day - 7 * BURN_IN_WEEKS, day_number(END), 7)]
    customers = _customers(market)
    events = [_events(market, week) for week in weeks if week.monday >= first_day]
    activity, calls, payments = (
        _filter_events(pd.concat(frames, ignore_index=True), customers, day)
        for frames, day in zip(zip(*events, strict=True), ("day", "day", "paid_on"), strict=True)
    )
    calls.insert(0, "call_id", np.arange(1, len(calls) + 1))
    return Business(_plans(), _plan_prices(change), customers, activity, calls, payments)


def _plans() -> pd.DataFrame:
    return pd.DataFrame({"plan": PLANS, "title": [plan.capitalize() for plan in PLANS]})


def _plan_prices(change: bool) -> pd.DataFrame:
    lists = {PRICES_SINCE: list_prices(risen=False)}
    if change:
        lists[CHANGE_DAY] = list_prices(risen=True)
    rows = [
        (plan, pd.Timestamp(valid_from), price)
        for valid_from, prices in lists.items()
        for plan, price in prices.items()
    ]
    return pd.DataFrame(rows, columns=["plan", "valid_from", "weekly_price"])


def _customers(market: Market) -> pd.DataFrame:
    """List all customers since ``FIRST_DAY``, including the acquired ones."""
    rows = pd.concat(market.arrivals).merge(pd.concat(market.departures), on="customer_id", how="left")
    places = market.places
    at = rows["place"].to_numpy()
    acquired = places.acquired[at]
    change_day = day_number(CHANGE_DAY)
    # The competitor's customers are acquired on one day; later subscribers belong to the company at once.
    joined = np.where(acquired, np.maximum(rows["subscribed_on"], change_day), rows["subscribed_on"])
    stayed = rows["cancelled_on"].fillna(day_number(END))
    is_customer: Array = np.asarray(
        (stayed >= day_number(FIRST_DAY)) & (~acquired | (market.change & (stayed > joined)))
    )
    frame = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "segment": places.segment[at],
            "plan": places.plan[at],
            "region": places.region[at],
            "acquisition_channel": places.channel[at],
            "age": places.age[at],
            "subscribed_on": _dates(rows["subscribed_on"]),
            "joined_on": _dates(joined),
            "cancelled_on": _dates(rows["cancelled_on"]),
        }
    )
    return frame.loc[is_customer].reset_index(drop=True)


def _dates(days: Array | pd.Series) -> pd.Series:
    return pd.Series(pd.to_datetime(np.asarray(days), unit="D")).astype("datetime64[s]")


def _events(market: Market, week: Week) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Generate a week's activity, support calls and payments of every customer in the market."""
    rng = np.random.default_rng((market.seed, week.monday, 1))
    return _activity(rng, market.places, week), _calls(rng, week), _payments(week)


def _activity(rng: np.random.Generator, places: Places, week: Week) -> pd.DataFrame:
    place, day = np.nonzero((week.customer >= 0) & (week.sessions > 0))
    sessions = week.sessions[place, day]
    minutes = np.round(rng.gamma(2.0 * sessions, 5.5), 1)
    return pd.DataFrame(
        {
            "customer_id": week.customer[place, day],
            "day": _dates(week.monday + day),
            "sessions": sessions,
            "minutes": np.where(places.tracked[place], minutes, np.nan),
        }
    )


def _calls(rng: np.random.Generator, week: Week) -> pd.DataFrame:
    place, day = np.nonzero((week.customer >= 0) & (week.calls > 0))
    times = week.calls[place, day]
    place, day = np.repeat(place, times), np.repeat(day, times)
    return pd.DataFrame(
        {
            "customer_id": week.customer[place, day],
            "day": _dates(week.monday + day),
            "topic": rng.choice(list(TOPICS), len(day), p=list(TOPICS.values())),
            "minutes": 1 + rng.poisson(7.0, len(day)),
        }
    )


def _payments(week: Week) -> pd.DataFrame:
    """Bill every customer on the weekday they subscribed on."""
    due = (week.monday + np.arange(7) - week.subscribed) % 7 == 0
    place, day = np.nonzero((week.customer >= 0) & due)
    return pd.DataFrame(
        {
            "customer_id": week.customer[place, day],
            "paid_on": _dates(week.monday + day),
            "amount": week.price[place],
            "status": np.where(week.failed[place], "failed", "paid"),
        }
    )


def _filter_events(events: pd.DataFrame, customers: pd.DataFrame, day: str) -> pd.DataFrame:
    """Select the events of the company's customers, with two weeks of history for acquired ones."""
    acquired = customers["joined_on"] > customers["subscribed_on"]
    since = customers["joined_on"].mask(acquired, pd.Timestamp(MIGRATED_FROM))
    visible_from = events["customer_id"].map(pd.Series(since.to_numpy(), index=customers["customer_id"]))
    # Sorted by the tables' keys, which loads a quarter faster.
    visible = events.loc[events[day] >= visible_from]
    return visible.sort_values(["customer_id", day], ignore_index=True)
