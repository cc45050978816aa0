"""Synthetic hourly bike rentals, used when no CSV file is available.

Demand peaks at the commuting hours and on warm afternoons, and grows each month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.bike_sharing.calendar import YEARS

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, np.dtype[Any]]

# Riders per hour of the day, on days off and on working days.
CASUAL = (
    (14, 11, 9, 5, 2, 2, 3, 8, 20, 45, 75, 105, 130, 140, 145, 145, 135, 115, 90, 68, 50, 38, 28, 20),
    (4, 2, 2, 1, 1, 2, 5, 13, 20, 22, 28, 35, 42, 44, 46, 50, 58, 70, 66, 48, 36, 26, 18, 10),
)
REGISTERED = (
    (75, 58, 45, 22, 7, 8, 15, 35, 80, 130, 180, 220, 250, 255, 245, 240, 235, 220, 185, 155, 120, 100, 80, 55),
    (15, 8, 5, 4, 6, 24, 100, 290, 480, 240, 130, 150, 195, 195, 180, 200, 310, 510, 480, 330, 235, 175, 130, 80),
)
HOLIDAYS = ("01-17", "02-21", "04-15", "05-30", "07-04", "09-05", "10-10", "11-11", "11-24", "12-26")
WEATHER_SHARES = (0.66, 0.26, 0.08)
WEATHER_FACTORS = (1.0, 0.92, 0.5)
"""Fraction of the riders of a clear hour, per weather."""
MISSING_NIGHT_HOURS = 0.05
"""Fraction of the hours before five in the morning that are not in the file."""


def generate_hours(seed: int = 0) -> pd.DataFrame:
    """Generate the two years: the same for the same seed.

    :param seed: the random seed
    :return: the columns of the CSV, in the same order
    """
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(seed)
    timestamps = pd.Series(pd.date_range(f"{YEARS[0]}-01-01", f"{YEARS[-1]}-12-31T23", freq="h"))
    frame = _calendar(timestamps).assign(**_weather(rng, timestamps))
    for name, rate in _rates(rng, frame).items():
        frame[name] = rng.poisson(rate)
    frame["cnt"] = frame["casual"] + frame["registered"]
    recorded = (frame["cnt"] > 0) & ((frame["hr"] >= 5) | (rng.random(len(frame)) >= MISSING_NIGHT_HOURS))
    frame = frame[recorded].reset_index(drop=True)
    frame.insert(0, "instant", np.arange(1, len(frame) + 1))
    return frame


def _calendar(timestamps: pd.Series[Any]) -> pd.DataFrame:
    """Return the calendar columns of each hour."""
    import numpy as np
    import pandas as pd

    weekday = (timestamps.dt.dayofweek + 1) % 7
    holiday = timestamps.dt.strftime("%m-%d").isin(HOLIDAYS)
    month_and_day = timestamps.dt.month * 100 + timestamps.dt.day
    return pd.DataFrame(
        {
            "dteday": timestamps.dt.strftime("%Y-%m-%d"),
            "season": np.searchsorted([321, 621, 923, 1221], month_and_day, side="right") % 4 + 1,
            "yr": timestamps.dt.year - YEARS[0],
            "mnth": timestamps.dt.month,
            "hr": timestamps.dt.hour,
            "holiday": holiday.astype("int64"),
            "weekday": weekday,
            "workingday": (~holiday & weekday.between(1, 5)).astype("int64"),
        }
    ).astype(dict.fromkeys(("season", "yr", "mnth", "hr", "weekday"), "int64"))


def _weather(rng: np.random.Generator, timestamps: pd.Series[Any]) -> dict[str, Array]:
    """Return each hour's weather: warm in July, damp at night, autocorrelated over days."""
    import numpy as np

    days = len(timestamps) // 24
    day, hour = np.arange(len(timestamps)) // 24, np.arange(len(timestamps)) % 24
    swing = _autoregressive(rng, days, 0.7) * 0.07
    warm = 0.5 - 0.26 * np.cos(2 * np.pi * (day - 20) / 365.25) + swing[day]
    afternoon = np.sin(2 * np.pi * (hour - 9) / 24)
    temp = np.clip(warm + 0.06 * afternoon, 0.02, 1.0)
    weather = rng.choice(len(WEATHER_SHARES), size=days * 4, p=WEATHER_SHARES)[np.arange(len(timestamps)) // 6]
    damp = 0.58 - 0.12 * afternoon + 0.12 * weather + 0.1 * _autoregressive(rng, days, 0.5)[day]
    wind = np.clip(rng.gamma(2.5, 0.075, len(timestamps)) * (1 + 0.2 * weather), 0, 0.85)
    felt = np.clip(0.04 + 0.9 * temp - 0.05 * wind, 0, 1)
    return {
        "weathersit": weather + 1,
        "temp": temp.round(2),
        "atemp": felt.round(4),
        "hum": np.clip(damp, 0.1, 1.0).round(2),
        "windspeed": wind.round(4),
    }


def _autoregressive(rng: np.random.Generator, length: int, memory: float) -> Array:
    """Return an autoregressive series of standard deviation 1."""
    import numpy as np

    shocks = rng.normal(0, np.sqrt(1 - memory**2), length)
    values = np.empty(length)
    value = 0.0
    for index, shock in enumerate(shocks):
        value = memory * value + shock
        values[index] = value
    return values


def _rates(rng: np.random.Generator, frame: pd.DataFrame) -> dict[str, Array]:
    """Return the expected number of riders per hour and kind."""
    import numpy as np

    working, hour = frame["workingday"].to_numpy(), frame["hr"].to_numpy()
    years = np.arange(len(frame)) / (365.25 * 24)
    warm, damp = frame["temp"].to_numpy() - 0.5, frame["hum"].to_numpy() - 0.6
    days = np.arange(len(frame)) // 24
    day_effect = np.exp(rng.normal(0, 0.1, days[-1] + 1))[days]
    weather = np.take(WEATHER_FACTORS, frame["weathersit"] - 1) * np.exp(-0.6 * damp)
    common = day_effect * weather * rng.gamma(40, 1 / 40, len(frame))
    return {
        "casual": np.array(CASUAL)[working, hour] * common * 0.6 * np.exp(3.0 * warm + 0.25 * years),
        "registered": np.array(REGISTERED)[working, hour] * common * 0.55 * np.exp(1.2 * warm + 0.45 * years),
    }
