"""The worlds that are replayed: what their rows are like in each week, and what has to become of it.

A row has two numbers. The world's *level* moves the first of them, and turns what the two mean for the label: at level
0 a large first number speaks for it, at level 2 against it. So a champion of another level is as wrong as can be.
Imported by DAG files while they are parsed: NumPy, pandas and scikit-learn are imported inside the functions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

FIRST_DAY = date(2024, 1, 22)
"""The Monday of week 0, long past: Airflow's own clock starts nothing."""
HISTORY = range(-3, 0)
"""Weeks before the first champion."""
LABELS_LATE = 2
"""In weeks."""
ROWS = 600
FEATURES, KEY, TARGET = ["x1", "x2"], "row", "y"
COOL_DOWN = 4
POLICY: dict[str, Any] = {
    "drift": {"numeric": 1.0},  # a standard deviation of the rows that the champion was trained on
    "gate": {"metric": "roc_auc", "min_rows": 100, "min_positives": 20},
    "episode": {"period": "7d", "min_labelled_rows": 1500, "cool_down": COOL_DOWN, "signals": {"drift": "retrain"}},
}
SEED = "REPLAY_SEED"
"""The environment variable with the seed of all rows."""
KILLED = "_killed"
"""How the model of a scenario ends whose Airflow is killed meanwhile."""
STORM = 1000
"""Events that the burst's event source tells for each request."""


def week(number: int) -> str:
    """Give the partition of a week."""
    return (FIRST_DAY + timedelta(weeks=number)).isoformat()


def number_of(partition: str) -> int:
    """Give the week of a partition."""
    return (date.fromisoformat(partition) - FIRST_DAY).days // 7


@dataclass(frozen=True)
class World:
    """A scenario.

    :param name: what it is called.
    :param level: the world's level in a week.
    :param fewest: so many retrainings at least.
    :param most: so many at most, for a number of weeks.
    :param broken: whether the second number is lost upstream in a week.
    :param storms: whether the event source tells each request a thousand times.
    """

    name: str
    level: Callable[[int], float]
    fewest: int
    most: Callable[[int], int]
    broken: Callable[[int], bool] = lambda _: False
    storms: bool = False

    def frame(self, partition: str) -> pd.DataFrame:
        """Make the rows of a week, always the same ones for a seed."""
        import numpy as np
        import pandas as pd

        number = number_of(partition)
        rng = np.random.default_rng([int(os.environ.get(SEED, "0")), sum(self.name.encode()), number - HISTORY.start])
        level, own, other = self.level(number), rng.normal(size=ROWS), rng.normal(size=ROWS)
        angle = level * np.pi / 2
        chance = 1 / (1 + np.exp(-3 * (np.cos(angle) * own + np.sin(angle) * other)))
        return pd.DataFrame(
            {
                KEY: np.arange(ROWS) + (number - HISTORY.start) * ROWS,
                "x1": own + level,
                "x2": np.full(ROWS, np.nan) if self.broken(number) else other,
                TARGET: (rng.random(ROWS) < chance).astype(int),
            }
        )

    def rows(self, partition: str) -> pd.DataFrame:
        """Give what is known of a week at its end."""
        return self.frame(partition).drop(columns=TARGET)

    def labels(self, partition: str) -> pd.DataFrame:
        """Give what is known two weeks later."""
        return self.frame(partition)[[KEY, TARGET]]

    def expected(self, windows: int) -> str:
        """Say how many retrainings there have to be."""
        most = self.most(windows)
        return f"exactly {most}" if most == self.fewest else f"{self.fewest} to {most}"

    def wrong(self, windows: int, asked: list[str], retrainings: int, alarms: int) -> list[str]:
        """Say what is not as it has to be; nothing when all is.

        :param asked: the partitions at which a retraining was asked for, oldest first.
        :param retrainings: how many there were.
        :param alarms: how many windows told people of a broken column.
        """
        found = []
        if not self.fewest <= retrainings <= self.most(windows):
            found.append(f"{retrainings} retrainings, and there have to be {self.expected(windows)}")
        weeks = [number_of(partition) for partition in asked]
        if close := [(week(a), week(b)) for a, b in pairwise(weeks) if b - a <= COOL_DOWN]:
            found.append(f"asked again within a cool-down of {COOL_DOWN} weeks: {close}")
        silent = sum(self.broken(number) for number in range(windows)) - alarms
        if silent:
            found.append(f"{alarms} alarms, {silent} too few (or too many, below zero)")
        return found


def _no_more(most: int) -> Callable[[int], int]:
    return lambda _: most


STABLE = World("stable", lambda _: 0.0, 0, _no_more(0))
STEP = World("step", lambda n: 2.0 if n >= 3 else 0.0, 1, _no_more(1))
RAMP = World("ramp", lambda n: 2.2 * min(1.0, max(0, n - 3) / 10), 1, _no_more(2))
FLAPPING = World(
    "flapping",
    lambda n: 2.0 if n >= 4 and n % 2 == 0 else 0.0,
    1,
    lambda windows: max(1, (windows - 4) // (COOL_DOWN + 1)),
)
BROKEN = World("broken_column", lambda _: 0.0, 0, _no_more(0), broken=lambda n: 3 <= n < 9)
BURST = World("burst", lambda n: 2.0 if n >= 3 else 0.0, 1, _no_more(1), storms=True)
WORLDS = {world.name: world for world in (STABLE, STEP, RAMP, FLAPPING, BROKEN, BURST)}


def world_of(model: str) -> World:
    """Give the world that a model lives in."""
    return WORLDS[model.removesuffix(KILLED)]


def estimator() -> Pipeline:
    """Make a very small model: a plane through two numbers."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline

    return Pipeline([("impute", SimpleImputer()), ("plane", LogisticRegression())])


def __getattr__(name: str) -> World:
    """Find a world by its own name: what tasks are told is ``tests.replay.worlds:ramp.rows``."""
    if name in WORLDS:
        return WORLDS[name]
    raise AttributeError(name)
