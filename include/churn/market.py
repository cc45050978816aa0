"""The simulated market: who subscribes, what they do and when they leave, week by week.

It is a fixed number of *places*: a plan, a segment, a region and a taste for the product. Customers come and
go in a place like for like, so arrivals balance departures and the population is stationary by construction,
whatever makes people leave. The competitor's places live in the same market from the beginning; the company
has their customers only from the day it takes the competitor over.
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
"""The first written day."""

BURN_IN_WEEKS = 156
FIRST_CUSTOMER_ID = 100_001
OCCUPIED = 0.945
"""Share of the places with a customer in it, as a place waits a week on average for its next customer."""
ACQUIRED = 0.35
"""The competitor's customers, as a share of the company's own."""

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
"""Correlation of a place's mood, what moves its activity around its taste, from one week to the next."""
MOOD_SPREAD = 0.7
TROUBLE_STARTS, TROUBLE_STAYS = 0.04, 0.8
CALLS_A_DAY = {False: 0.012, True: 0.28}

# The level of each rule's log-odds, set so that both rules lose 5.6 % of every plan's customers a week: the
# customers' tenure stays stationary through the change.
BASE_BEFORE = {"basic": -4.66, "standard": -4.6, "premium": -4.52}
BASE_AFTER = {"basic": -3.51, "standard": -4.23, "premium": -4.63}


def number(day: date) -> int:
    """Count a date's days since 1970, the simulation's own calendar.

    :param day: the date
    """
    return (day - date(1970, 1, 1)).days


@dataclass(frozen=True)
class Places:
    """What stays the same of each place in the market, an array of one element a place each."""

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
    """What happened in each place in one week: arrays of (places,) or (places, 7 days)."""

    monday: int
    customer: Array
    subscribed: Array
    sessions: Array
    calls: Array
    failed: Array
    price: Array


@dataclass
class Market:
    """The state of every place at the start of a week, and the registers of who came and who left.

    :param seed: of the world; every week has its own generator, so that one week never shifts the next
    :param places: what stays the same
    :param change: whether the world changes on ``CHANGE_DAY``
    """

    seed: int
    places: Places
    change: bool
    customer: Array = field(init=False)
    """Who has the place, or -1."""
    subscribed: Array = field(init=False)
    """Since which day, or for an empty place the day on which the next customer comes."""
    mood: Array = field(init=False)
    trouble: Array = field(init=False)
    last: Week | None = None
    next_id: int = FIRST_CUSTOMER_ID
    came: list[pd.DataFrame] = field(default_factory=list)
    left: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        count = len(self.places)
        self.customer = np.full(count, -1)
        # The places open over a year: those who never leave must not all have come on one day.
        opening = np.random.default_rng((self.seed, 1)).integers(0, 364, count)
        self.subscribed = number(FIRST_DAY) - 7 * BURN_IN_WEEKS + opening
        self.mood = np.zeros(count)
        self.trouble = np.zeros(count, dtype=bool)

    def run(self, monday: int) -> Week:
        """Live through one week.

        :param monday: its first day, as a number of days since 1970
        """
        rng = np.random.default_rng((self.seed, monday))
        customer, subscribed = self._come_and_go(rng, monday)
        count = len(self.places)
        half = rng.normal(0, MOOD_SPREAD * np.sqrt(1 - MOOD_MEMORY**2), count)
        # Neighbours have opposite shocks: the mood of the whole market stays where it is.
        self.mood = MOOD_MEMORY * self.mood + np.where(np.arange(count) % 2 == 0, half, -np.roll(half, 1))
        self.trouble = _happens(rng, np.where(self.trouble, TROUBLE_STAYS, TROUBLE_STARTS))
        rate = np.exp(self.places.taste + self.mood)[:, None] * WEEKDAY_FACTORS
        call_rate = np.where(self.trouble, CALLS_A_DAY[True], CALLS_A_DAY[False])
        self.last = Week(
            monday=monday,
            customer=customer,
            subscribed=subscribed,
            sessions=rng.poisson(rate),
            calls=rng.poisson(np.repeat(call_rate[:, None], 7, axis=1)),
            failed=_happens(rng, np.full(count, PAYMENT_FAILS)),
            price=self._prices(monday),
        )
        return self.last

    def _come_and_go(self, rng: np.random.Generator, monday: int) -> tuple[Array, Array]:
        """Let customers leave and come; give who has each place on each day (or -1), and since when."""
        count = len(self.places)
        days = monday + np.arange(7)
        taken = self.customer >= 0
        leaves = _happens(rng, np.where(taken, self._chance_to_leave(monday), 0.0))
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
        self.left.append(pd.DataFrame({"customer_id": self.customer[leaves], "cancelled_on": leaves_on[leaves]}))
        came = {"customer_id": newcomer, "place": np.arange(len(newcomer)), "subscribed_on": opens}
        self.came.append(pd.DataFrame({name: values[comes] for name, values in came.items()}))

    def _changed(self, day: int) -> bool:
        return self.change and day >= number(CHANGE_DAY)

    def _prices(self, day: int) -> Array:
        prices = list_prices(risen=self._changed(day))
        return np.asarray(np.round(_by_plan(self.places, prices) * (1 - self.places.discount), 2))

    def _chance_to_leave(self, monday: int) -> Array:
        """Give each place's chance that its customer cancels within the week that begins."""
        if self.last is None:
            return np.zeros(len(self.places))
        weeks = (monday - self.subscribed) / 7
        # Both rules: people are quicker to leave in their first month, and after a failed payment.
        shared = 0.5 * (weeks < 4) + 0.6 * self.last.failed
        rule = leaving_after if self._changed(monday) else leaving_before
        log_odds = shared + rule(self.places, self.last, self._prices(monday))
        return np.asarray(1 / (1 + np.exp(-log_odds)))


def leaving_before(places: Places, week: Week, price: Array) -> Array:
    """Score who leaves before the change: those who use the product little and those who call a lot.

    :param places: what stays the same of each place
    :param week: the week behind, whole, whoever had the place
    :param price: in euros a week; does not matter yet
    :return: log-odds of cancelling within a week, one a place
    """
    use = np.log1p(week.sessions.sum(axis=1))
    calls = week.calls.sum(axis=1)
    base = _by_plan(places, BASE_BEFORE)
    # Little use is a slope and a step, and only the second call of a week is one too many.
    little_use = -1.4 * (use - 1.6) + 1.0 * (use < 1.0)
    many_calls = 0.5 * (calls == 1) + 2.8 * (calls >= 2)
    return np.asarray(base + little_use + many_calls)


def leaving_after(places: Places, week: Week, price: Array) -> Array:
    """Score who leaves after the change: those who pay much for what they use, and premium's heavy users.

    :param places: what stays the same of each place
    :param week: the week behind, whole, whoever had the place
    :param price: in euros a week
    :return: log-odds of cancelling within a week, one a place
    """
    use = np.log1p(week.sessions.sum(axis=1))
    calls = week.calls.sum(axis=1)
    base = _by_plan(places, BASE_AFTER)
    dear = np.log(price) - use
    # A call is now a customer the company talks into staying.
    heavy = 2.0 * (use - 1.6) + 1.0 * (use > 2.3)
    reason = np.where(places.plan == "premium", heavy, 1.6 * (dear + 0.6))
    return np.asarray(base + reason - 0.8 * np.minimum(calls, 2))


def _happens(rng: np.random.Generator, chances: Array) -> Array:
    """Draw events that happen with some chance each, and in total as often as expected.

    Independent draws would make the whole company drift by luck alone, as much as the drift checks allow. So
    this samples systematically: the chances are laid end to end in random order, every whole step hits one.
    """
    order = rng.permutation(len(chances))
    steps = np.floor(np.cumsum(chances[order]) + rng.random())
    happens = np.empty(len(chances), dtype=bool)
    happens[order] = np.diff(steps, prepend=0.0) > 0
    return happens


def list_prices(risen: bool) -> dict[str, float]:
    """Give each plan's price in euros a week, before any discount.

    :param risen: whether the price rise has happened
    """
    return {plan: round(price * (PRICE_RISE if risen else 1.0), 2) for plan, price in WEEKLY_PRICES.items()}


def _by_plan(places: Places, values: dict[str, float]) -> Array:
    return np.select([places.plan == plan for plan in PLANS], [values[plan] for plan in PLANS])


def open_places(seed: int, size: int) -> Places:
    """Draw the places of the market, the company's own first and the competitor's after them.

    :param seed: of the world
    :param size: customers the company has before the change, about
    """
    rng = np.random.default_rng((seed, 0))
    own = round(size / OCCUPIED)
    count = own + round(own * ACQUIRED)
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
