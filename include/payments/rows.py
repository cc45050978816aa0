"""Simulated payments of a day, deterministic per day."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
import pandas as pd

FIRST_DAY = date(2026, 1, 1)
CHUNK_ROWS = 250_000
CATEGORIES = ("cafe", "clothes", "electronics", "fuel", "games", "grocery", "hotel", "travel")
CATEGORY_SHARES = (0.14, 0.09, 0.05, 0.12, 0.06, 0.42, 0.05, 0.07)
COUNTRIES = ("AT", "BE", "CH", "DE", "ES", "FR", "IT", "NL", "PL", "US")
COUNTRY_SHARES = (0.07, 0.05, 0.06, 0.44, 0.07, 0.11, 0.07, 0.06, 0.05, 0.02)
CHANNELS = ("chip", "contactless", "online")
CHANNEL_SHARES = (0.25, 0.45, 0.30)
IDS_A_DAY = 1_000_000_000


def list_days(number: int) -> list[str]:
    """List consecutive days.

    :param number: number of days.
    """
    return [(FIRST_DAY + timedelta(days=n)).isoformat() for n in range(number)]


def generate_day(day: str, rows: int) -> Iterator[pd.DataFrame]:
    """Yield a day's payments in frames of at most 250,000 rows.

    :param day: such as ``2026-01-05``.
    :param rows: number of payments.
    """
    rng = np.random.default_rng(zlib.crc32(day.encode()))
    number = (date.fromisoformat(day) - FIRST_DAY).days
    for start in range(0, rows, CHUNK_ROWS):
        yield _payments(rng, pd.Timestamp(day), number * IDS_A_DAY + start + 1, min(CHUNK_ROWS, rows - start))


def _payments(rng: np.random.Generator, day: pd.Timestamp, first_id: int, rows: int) -> pd.DataFrame:
    second = np.clip(rng.normal(14.5, 4.5, rows) * 3600, 0, 86_399).astype(int)
    channel = rng.choice(CHANNELS, rows, p=CHANNEL_SHARES)
    amount = np.clip(np.exp(rng.normal(3.1, 1.1, rows)).round(2), 0.01, 100_000)
    card_age = rng.integers(0, 4_000, rows)
    night = (second < 6 * 3600) | (second > 23 * 3600)
    odds = -7.5 + 0.7 * np.log(amount) + 1.2 * (channel == "online") + 0.8 * night - card_age / 4_000
    return pd.DataFrame(
        {
            "payment_id": np.arange(first_id, first_id + rows),
            "card_id": rng.integers(1, 2_000_000, rows),
            "paid_at": day + pd.to_timedelta(second, unit="s"),
            "amount": amount,
            "category": rng.choice(CATEGORIES, rows, p=CATEGORY_SHARES),
            "country": rng.choice(COUNTRIES, rows, p=COUNTRY_SHARES),
            "channel": channel,
            "distance_km": np.where(channel == "online", np.nan, rng.exponential(12.0, rows).round(1)),
            "card_age_days": card_age,
            "payments_7d": rng.poisson(6, rows),
            "night": night,
            "is_fraud": (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int),
        }
    )
