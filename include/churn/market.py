"""Simulated market: subscriptions, activity and cancellations, week by week.

The market has a fixed number of *places*: a plan, a segment, a region and a taste for the product. A customer who
leaves a place is replaced by a similar one, so the population is stationary whatever the churn reasons are. The
competitor's places exist from the beginning; their customers join the company on the day of the acquisition.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from include.churn.calendar import CHANGE_DAY, FIRST_WEEK, WEEK

Array = np.ndarray[Any, np.dtype[Any]]

FIRST_DAY = FIRST_WEEK - 3 * WEEK
"""The first day in the database."""

BURN_IN_WEEKS = 156
FIRST_CUSTOMER_ID = 100_001
OCCUPIED_FRACTION = 0.945
"""Fraction of the places with a customer; an empty place waits a week on average for its next customer."""
ACQUIRED_FRACTION = 0.35
"""The competitor's customers as a fraction of the company's own."""

PLANS = ("basic", "standard", "premium")
WEEKLY_PRICES = {"basic": 2.49, "standard": 3.99, "premium": 5.99}
PRICE_RISE = 1.18
DISCOUNTS = {0.0: 0.6, 0.1: 0.25, 0.2: 0.15}
SEGMENTS = {"individual": 0.55, "family": 0.3, "student": 0.15}
ACQUIRED_SEGMENT = "acquired"
PLAN_SHARES = {"own": (0.32, 0.4, 0.28), "acquired": (0.15, 0.3, 0.55)}
REGION_SHARES = {
    "own": {"north": 0.35, "south": 0.25, "east": 0.22, "west": 0.18},
    "acquired": {"north": 0.15, "south": 0.35, "east": 0.2, "west": 0.3},
}
CHANNEL_SHARES = {"organic": 0.4, "paid_search": 0.25, "referral": 0.18, "partner": 0.12, None: 0.05}
WEEKDAY_FACTORS = np.array([0.9, 0.85, 0.9, 0.95, 1.1, 1.25, 1.05])

AGE_MISSING = 0.04
UNTRACKED = 0.03
PAYMENT_FAILS = 0.05
MOOD_MEMORY = 0.85
"""Autocorrelation of a place's mood, the weekly deviation of its activity from its taste."""
MOOD_SPREAD = 0.7
TROUBLE_STARTS, TROUBLE_STAYS = 0.04, 0.8
CALLS_A_DAY = {False: 0.012, True: 0.28}

# Intercepts of the log-odds, chosen so that both rules lose 5.6 % of every plan's customers a week: tenure stays
# stationary through the change.
BASE_BEFORE = {"basic": -4.66, "standard": -4.6, "premium": -4.52}
BASE_AFTER = {"basic": -3.51, "standard": -4.23, "premium": -4.63}


def day_number(day: date) -> int:
    """Return a date as the number of days since 1970.

    :param day: the date
    """
    return (day - date(1970, 1, 1)).days


@dataclass(frozen=True)
class Places:
    """Constant attributes of the places in the market, one array element per place."""

    acquired: Array
    segment: Array
    plan: Array
    region: Array
    channel: Array
    age: Array
    tracked: Array
    discount: Array
    taste: Array

    def __len__(self) -> int:
        return len(self.plan)


@dataclass
class Week:
    """Events of each place in one week: arrays of shape (places,) or (places, 7 days)."""

    monday: int
    customer: Array
    subscribed: Array
    sessions: Array
    calls: Array
    failed: Array
    price: Array


@dataclass
class Market:
    """State of every place at the start of a week, and the history of arrivals and departures.

    :param seed: seed of the simulation; every week has its own generator
    :param places: the constant attributes
    :param change: whether the change happens on ``CHANGE_DAY``
    """

    seed: int
    places: Places
    change: bool
    customer: Array = field(init=False)
    """Customer in the place, or -1."""
    subscribed: Array = field(init=False)
    """Day of subscription, or for an empty place the arrival day of the next customer."""
    mood: Array = field(init=False)
    trouble: Array = field(init=False)
    last: Week | None = None
    next_id: int = FIRST_CUSTOMER_ID
    arrivals: list[pd.DataFrame] = field(default_factory=list)
    departures: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = len(self.places)
        self.customer = np.full(count, -1)
        # The places open over a year, so that long-term customers do not all share one day.
        opening = np.random.default_rng((self.seed, 1)).integers(0, 364, count)
        self.subscribed = day_number(FIRST_DAY) - 7 * BURN_IN_WEEKS + opening
        self.mood = np.zeros(count)
        self.trouble = np.zeros(count, dtype=bool)

    def run(self, monday: int) -> Week:
        """Simulate one week.

        :param monday: its first day, as a number of days since 1970
        """
        rng = np.random.default_rng((self.seed, monday))
        customer, subscribed = self._update_customers(rng, monday)
        count = len(self.places)
        half = rng.normal(0, MOOD_SPREAD * np.sqrt(1 - MOOD_MEMORY**2), count)
        # Neighbours have opposite shocks, so that the mean mood of the market is constant.
        self.mood = MOOD_MEMORY * self.mood + np.where(np.arange(count) % 2 == 0, half, -np.roll(half, 1))
        self.trouble = _draw_events(rng, np.where(self.trouble, TROUBLE_STAYS, TROUBLE_STARTS))
        rate = np.exp(self.places.taste + self.mood)[:, None] * WEEKDAY_FACTORS
        call_rate = np.where(self.trouble, CALLS_A_DAY[True], CALLS_A_DAY[False])
        self.last = Week(
            monday=monday,
            customer=customer,
            subscribed=subscribed,
            sessions=rng.poisson(rate),
            calls=rng.poisson(np.repeat(call_rate[:, None], 7, axis=1)),
            failed=_draw_events(rng, np.full(count, PAYMENT_FAILS)),
            price=self._prices(monday),
        )
        return self.last

    def _update_customers(self, rng: np.random.Generator, monday: int) -> tuple[Array, Array]:
        """Apply departures and arrivals; return each place's customer per day (or -1) and day of subscription."""
        count = len(self.places)
        days = monday + np.arange(7)
        taken = self.customer >= 0
        leaves = _draw_events(rng, np.where(taken, self._churn_probability(monday), 0.0))
        leaves_on = np.where(leaves, monday + rng.integers(0, 7, count), monday + 7)
        opens = np.where(leaves, leaves_on + rng.integers(0, 15, count), self.subscribed)
        comes = (~taken | leaves) & (opens < monday + 7)
        newcomer = np.full(count, -1)
        newcomer[comes] = self.next_id + np.arange(comes.sum())
        self.next_id += int(comes.sum())
        self._register(leaves, leaves_on, comes, newcomer, opens)

        old = taken[:, None] & (days < leaves_on[:, None])
        new = comes[:, None] & (days >= opens[:, None])
        customer = np.where(old, self.customer[:, None], np.where(new, newcomer[:, None], -1))
        subscribed = np.where(old, self.subscribed[:, None], opens[:, None])
        self.customer = np.where(leaves | comes, newcomer, self.customer)
        self.subscribed = opens
        return customer, subscribed

    def _register(self, leaves: Array, leaves_on: Array, comes: Array, newcomer: Array, opens: Array) -> None:
        self.departures.append(pd.DataFrame({"customer_id": self.customer[leaves], "cancelled_on": leaves_on[leaves]}))
        came = {"customer_id": newcomer, "place": np.arange(len(newcomer)), "subscribed_on": opens}
        self.arrivals.append(pd.DataFrame({name: values[comes] for name, values in came.items()}))

    def _changed(self, day: int) -> bool:
        return self.change and day >= day_number(CHANGE_DAY)

    def _prices(self, day: int) -> Array:
        prices = list_prices(risen=self._changed(day))
        return np.asarray(np.round(_by_plan(self.places, prices) * (1 - self.places.discount), 2))

    def _churn_probability(self, monday: int) -> Array:
        """Return each place's probability that its customer cancels within the coming week."""
        if self.last is None:
            return np.zeros(len(self.places))
        weeks = (monday - self.subscribed) / 7
        # Both rules: churn is higher in the first month and after a failed payment.
        shared = 0.5 * (weeks < 4) + 0.6 * self.last.failed
        rule = churn_log_odds_after if self._changed(monday) else churn_log_odds_before
        log_odds = shared + rule(self.places, self.last, self._prices(monday))
        return np.asarray(1 / (1 + np.exp(-log_odds)))


def churn_log_odds_before(places: Places, week: Week, price: Array) -> Array:
    """Compute the log-odds of churn before the change: low usage and many calls.

    :param places: the constant attributes
    :param week: the previous week
    :param price: in euros a week; not used
    :return: log-odds of cancelling within a week, one a place
    """
    use = np.log1p(week.sessions.sum(axis=1))
    calls = week.calls.sum(axis=1)
    base = _by_plan(places, BASE_BEFORE)
    # Low usage has a slope and a step; calls matter mostly from the second one.
    little_use = -1.4 * (use - 1.6) + 1.0 * (use < 1.0)
    many_calls = 0.5 * (calls == 1) + 2.8 * (calls >= 2)
    return np.asarray(base + little_use + many_calls)


def churn_log_odds_after(places: Places, week: Week, price: Array) -> Array:
    """Compute the log-odds of churn after the change: a high price per use, and heavy users of premium.

    :param places: the constant attributes
    :param week: the previous week
    :param price: in euros a week
    :return: log-odds of cancelling within a week, one a place
    """
    use = np.log1p(week.sessions.sum(axis=1))
    calls = week.calls.sum(axis=1)
    base = _by_plan(places, BASE_AFTER)
    price_per_use = np.log(price) - use
    # After the change a call lowers churn.
    heavy = 2.0 * (use - 1.6) + 1.0 * (use > 2.3)
    reason = np.where(places.plan == "premium", heavy, 1.6 * (price_per_use + 0.6))
    return np.asarray(base + reason - 0.8 * np.minimum(calls, 2))


def _draw_events(rng: np.random.Generator, probabilities: Array) -> Array:
    """Draw events with given probabilities, by systematic sampling.

    The total number of events is as expected. Independent draws would vary as much as the drift checks allow.
    """
    order = rng.permutation(len(probabilities))
    steps = np.floor(np.cumsum(probabilities[order]) + rng.random())
    drawn = np.empty(len(probabilities), dtype=bool)
    drawn[order] = np.diff(steps, prepend=0.0) > 0
    return drawn


def list_prices(risen: bool) -> dict[str, float]:
    """Return each plan's price in euros a week, before any discount.

    :param risen: whether the price rise has happened
    """
    return {plan: round(price * (PRICE_RISE if risen else 1.0), 2) for plan, price in WEEKLY_PRICES.items()}


def _by_plan(places: Places, values: dict[str, float]) -> Array:
    return np.select([places.plan == plan for plan in PLANS], [values[plan] for plan in PLANS])


def open_places(seed: int, size: int) -> Places:
    """Draw the places of the market: first the company's own, then the competitor's.

    :param seed: seed of the simulation
    :param size: approximate number of customers before the change
    """
    rng = np.random.default_rng((seed, 0))
    own = round(size / OCCUPIED_FRACTION)
    count = own + round(own * ACQUIRED_FRACTION)
    acquired = np.arange(count) >= own

    def draw(shares: dict[Any, float]) -> Array:
        values = np.array(list(shares), dtype=object)
        return values[rng.choice(len(values), count, p=list(shares.values()))]

    def draw_by_owner(shares: dict[str, dict[Any, float]]) -> Array:
        return np.where(acquired, draw(shares["acquired"]), draw(shares["own"]))

    age = np.clip(np.round(rng.gamma(6.0, 4.0, count) + 16), 18, 90)
    age[rng.random(count) < AGE_MISSING] = np.nan
    return Places(
        acquired=acquired,
        segment=np.where(acquired, ACQUIRED_SEGMENT, draw(SEGMENTS)),
        plan=draw_by_owner({owner: dict(zip(PLANS, shares, strict=True)) for owner, shares in PLAN_SHARES.items()}),
        region=draw_by_owner(REGION_SHARES),
        channel=draw(CHANNEL_SHARES),
        age=age,
        tracked=rng.random(count) >= UNTRACKED,
        discount=draw(DISCOUNTS).astype(float),
        taste=rng.normal(-0.6, 0.4, count) + 0.45 * acquired,
    )
